package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkbatchnorm.estimator.Estimator;
import org.sparkbatchnorm.estimator.TooFewValuesException;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;

/**
 * The main job: activations on storage, per-channel moments on Spark, running statistics, a
 * checkpoint.
 *
 * <pre>{@code
 * RunReport report = new RecalibrationJob(spark, spec).run();
 * }</pre>
 *
 * <p>Works in a session that its caller owns, and leaves its settings and the thread's job group as
 * they are. Nothing is written unless every planned split was counted exactly once. One run at a
 * time.
 */
public final class RecalibrationJob {
  private static final Logger LOG = LoggerFactory.getLogger(RecalibrationJob.class);

  private final SparkSession session;
  private final JavaSparkContext spark;
  private final SparkPhases phases;
  private final JobSpec spec;
  private final Counting counting;

  /** A job that runs in this session. */
  public RecalibrationJob(SparkSession session, JobSpec spec) {
    this.session = session;
    this.spark = JavaSparkContext.fromSparkContext(session.sparkContext());
    this.phases = new SparkPhases(session.sparkContext());
    this.spec = spec;
    this.counting = Counting.of(spec.statistics(), session.sparkContext().conf());
  }

  /**
   * What {@link #run()} would read, from headers alone.
   *
   * @throws MalformedFileException if an input cannot be listed or a header is bad
   * @throws JobSpecException if the job does not fit the input
   */
  public JobPlan plan() throws MalformedFileException {
    try (Outputs outputs = Outputs.open(storage(), spec)) {
      return phases.describing(
          "planning",
          () -> {
            JobPlan plan = open(outputs.checkpoint()).plan();
            requireLayers(plan.layers().stream().map(JobPlan.Layer::name).toList());
            return plan;
          });
    }
  }

  /**
   * Reads the inputs that the job names, and writes the checkpoint and the report.
   *
   * @throws OutputExistsException if an output exists and may not be replaced; nothing was read
   * @throws MalformedFileException if something in the input is bad; nothing was written
   * @throws CommitException if an output could not be written
   * @throws JobSpecException if the job does not fit the input
   */
  public RunReport run() throws OutputExistsException, MalformedFileException, CommitException {
    return run(this::open);
  }

  /**
   * The same for the rows of any DataFrame instead of the inputs that the job names; its columns
   * are those of {@code input.columns}. The DataFrame must give the same rows however often it is
   * computed: a task may be tried again, and where the keys of mini-batches matter, its narrow
   * columns are read before the rest.
   */
  public RunReport run(Dataset<Row> activations)
      throws OutputExistsException, MalformedFileException, CommitException {
    return run(
        checkpoint -> {
          ActivationTable table =
              ActivationTable.ofDataFrame(activations, spec.input().columns(), counting.rule());
          return new TableScan(
              spark,
              table,
              table.source(),
              spec.input().selection(),
              counting,
              TableScan.Origin.NO_FILES);
        });
  }

  private RunReport run(Opening opening)
      throws OutputExistsException, MalformedFileException, CommitException {
    try (Outputs outputs = Outputs.open(storage(), spec)) {
      outputs.requirePossible();
      return run(opening, outputs);
    }
  }

  /** How the activations are found. */
  private interface Opening {
    ActivationScan open(CheckpointOutput checkpoint) throws MalformedFileException;
  }

  private RunReport run(Opening opening, Outputs outputs)
      throws MalformedFileException, CommitException {
    logKernel();
    long start = System.nanoTime();
    ActivationScan scan =
        phases.describing("reading headers", () -> opening.open(outputs.checkpoint()));
    long planned = System.nanoTime();
    LOG.info("counting {}", scan.description());
    ScanState state = phases.describing("counting " + scan.description(), scan::run);
    long scanned = System.nanoTime();
    requireLayers(state.layers().keySet());
    NonFiniteRefusal.apply(spec.input().nonFinite(), state);
    outputs.checkpoint().requireLayers(state.channels());
    LayerEstimates estimates = estimates(state, outputs.checkpoint());
    List<RunReport.Layer> layers = estimates.layers();
    List<String> warnings = new ArrayList<>(scan.warnings());
    SpreadWarnings.of(layers).ifPresent(warnings::add);
    warnings.addAll(CheckpointWarnings.of(layers, spec.statistics().forCheckpoint()));
    warnings.addAll(outputs.checkpoint().warnings(state.layers().keySet()));
    outputs.checkpoint().publish(layers, estimates.fingerprint());
    warnings.forEach(LOG::warn);
    List<String> paths = spec.input().paths().stream().map(StoredFile::display).toList();
    RunReport report =
        new RunReport(
            StoredFile.display(spec.output().path()),
            spec.output().model().map(model -> StoredFile.display(model.path())),
            layers.stream()
                .map(layer -> layer.dtype().name())
                .distinct()
                .sorted()
                .collect(Collectors.joining(",")),
            spec.statistics().estimators().stream().map(Estimator::name).toList(),
            spec.output().convention().word(),
            spec.statistics().choices(spec.statistics().estimators()),
            spec.statistics().accumulation().word(),
            estimates.fingerprint(),
            String.join(",", state.kernels()),
            spec.output().epsilon(),
            layers,
            warnings,
            scan.input(state, paths),
            new RunReport.Seconds(
                seconds(start, planned),
                seconds(planned, scanned),
                seconds(start, System.nanoTime())));
    outputs.publishReport(report);
    LOG.info("wrote {}", report.checkpoint());
    return report;
  }

  private LayerEstimates estimates(ScanState state, CheckpointOutput checkpoint)
      throws MalformedFileException {
    try {
      return LayerEstimates.of(state, spec, counting, checkpoint);
    } catch (TooFewValuesException e) {
      throw badInput("TOO_FEW_VALUES", e.getMessage());
    }
  }

  private Storage storage() {
    return Storage.of(spark.hadoopConfiguration());
  }

  /**
   * What the driver would run; executors choose for themselves, and the report says what they did.
   */
  private void logKernel() {
    if (counting.accumulation() == Accumulation.EXACT) {
      LOG.info(counting.requiredKernels().reason());
    }
  }

  private ActivationScan open(CheckpointOutput checkpoint) throws MalformedFileException {
    Storage storage = storage();
    InputFiles files = InputFiles.list(storage, spec.input(), Outputs.uris(storage, spec));
    LayerSelection selection = spec.input().selection();
    if (files.format() == InputFormat.PARQUET) {
      ParquetInput.Table table = ParquetInput.open(session, spec.input(), files, counting.rule());
      return new TableScan(
          spark,
          table.activations(),
          table.source(),
          selection,
          counting,
          new TableScan.Origin(
              files.files().size(),
              files.bytes(),
              table.rows(),
              () -> files.requireUnchanged(storage, spec.input())));
    }
    ShardScan scan = ShardScan.plan(spark, spec.input(), selection, files, counting);
    List<JobPlan.Layer> planned = scan.plan().layers();
    requireLayers(planned.stream().map(JobPlan.Layer::name).toList());
    try {
      checkpoint.requireLayers(
          planned.stream().collect(Collectors.toMap(JobPlan.Layer::name, JobPlan.Layer::channels)));
    } catch (MalformedFileException e) {
      // Where channels are looked for on the wrong axis, this says why they do not fit.
      scan.warnings().forEach(LOG::warn);
      throw e;
    }
    return scan;
  }

  /**
   * Every glob of {@code input.layers} must have found a layer, and at least one layer must be
   * there.
   */
  private void requireLayers(Collection<String> found) throws MalformedFileException {
    List<String> unmatched = spec.input().layersWithoutMatch(found);
    if (!unmatched.isEmpty()) {
      throw new JobSpecException(
          "--layers (input.layers): no layer of the input matches " + String.join(", ", unmatched));
    }
    if (found.isEmpty()) {
      throw badInput("NO_INPUT", "there is no tensor in the input, but at least one is expected");
    }
  }

  private MalformedFileException badInput(String code, String reason) {
    List<String> paths = spec.input().paths();
    return new MalformedFileException(
        paths.isEmpty()
            ? ActivationTable.DATA_FRAME
            : paths.stream().map(StoredFile::display).collect(Collectors.joining(", ")),
        MalformedFileException.NO_OFFSET,
        code,
        reason);
  }

  private static double seconds(long from, long to) {
    return (to - from) / 1e9;
  }
}
