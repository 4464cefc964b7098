package org.sparkbatchnorm.job;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.estimator.Estimator;
import org.sparkbatchnorm.estimator.NonFinitePolicy;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.source.MiniBatching;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.storage.Overwrite;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.DType;

/**
 * What one job computes, every value checked and every relative path resolved. Immutable. Where and
 * how the job runs (master, memory) is not part of it.
 *
 * @param reportPath where the JSON report goes, if anywhere
 */
public record JobSpec(
    Input input, Statistics statistics, Output output, Optional<String> reportPath) {

  /**
   * The job that a job file describes by itself.
   *
   * @throws JobSpecException if the file is anything but a complete job
   */
  public static JobSpec parse(JobFile file) {
    return parse(Optional.of(file), List.of(), file.folder());
  }

  /**
   * The job that a job file and the command line describe together. What the command line says
   * replaces what the file says, a list as a whole; entries of a map stand before the file's.
   *
   * @param commandLine options and {@code --set}, in their order; the last one of a setting counts,
   *     those of a list are collected
   * @param currentFolder what relative paths on the command line are relative to: an absolute path
   * @throws JobSpecException if a value is wrong, even one that is replaced, or a setting that
   *     every job needs is missing
   */
  public static JobSpec parse(
      Optional<JobFile> file, List<Assignment> commandLine, String currentFolder) {
    JobSpecDraft draft = JobSpecDraft.ofDefaults();
    file.ifPresent(read -> draft.apply(JobFileReader.read(read), new Folder(read.folder())));
    draft.apply(Assignment.collectLists(commandLine), new Folder(currentFolder));
    return draft.toJobSpec(file.map(JobFile::name).orElse("command line"));
  }

  /**
   * Where activations are and how they are read, for a look at them that writes nothing.
   *
   * @param commandLine settings of the input
   * @param currentFolder what relative paths are relative to: an absolute path
   * @throws JobSpecException if a value is wrong, or there is no path
   */
  public static Input parseInput(List<Assignment> commandLine, String currentFolder) {
    JobSpecDraft draft = JobSpecDraft.ofDefaults();
    draft.apply(Assignment.collectLists(commandLine), new Folder(currentFolder));
    return draft.toInput("command line");
  }

  /**
   * The copy of a model that a command line asks for.
   *
   * @param commandLine settings of the checkpoint
   * @param currentFolder what relative paths are relative to: an absolute path
   * @throws JobSpecException if a value is wrong, or model or output are missing
   */
  public static Output parseModelCopy(List<Assignment> commandLine, String currentFolder) {
    JobSpecDraft draft = JobSpecDraft.ofDefaults();
    draft.apply(Assignment.collectLists(commandLine), new Folder(currentFolder));
    return draft.toModelCopy("command line");
  }

  /**
   * Where the activations are and how they are read.
   *
   * @param paths files, folders and globs of any Hadoop file system, in the order given: absolute
   *     paths or URIs; none where a DataFrame takes their place
   * @param format the format of all files; empty to go by their extensions
   * @param layout the layout of layers that no glob of {@code layouts} matches
   * @param layouts layer glob to layout; the first glob that matches decides
   * @param layerPattern matched against the whole name of a tensor; has a group named layer, and
   *     may have one named batch
   * @param layers globs of the layers to use; empty for all
   * @param nonFinite what becomes of NaN and infinities
   * @param columns names of Parquet columns
   * @param splitSizeBytes the largest piece a task reads; empty to choose by the data
   */
  public record Input(
      List<String> paths,
      Optional<InputFormat> format,
      ChannelLayout layout,
      Map<String, ChannelLayout> layouts,
      Pattern layerPattern,
      List<String> layers,
      NonFinitePolicy nonFinite,
      Columns columns,
      OptionalLong splitSizeBytes) {

    /** Copies the lists and the map, whose order is kept. */
    public Input {
      paths = List.copyOf(paths);
      layouts = Collections.unmodifiableMap(new LinkedHashMap<>(layouts));
      layers = List.copyOf(layers);
    }

    /** Which layers are used, and where their channels are; can be sent to executors. */
    public LayerSelection selection() {
      return new SpecLayerSelection(layerPattern, layers, new LinkedHashMap<>(layouts), layout);
    }

    /** Those globs of {@code layers} that match none of the names found in the input. */
    public List<String> layersWithoutMatch(Collection<String> found) {
      return layers.stream()
          .filter(glob -> found.stream().noneMatch(new LayerGlob(glob)::matches))
          .toList();
    }
  }

  /**
   * Names of the Parquet or table columns that hold a tensor's layer, values, shape, element type
   * and mini-batch.
   */
  public record Columns(String layer, String data, String shape, String dtype, String batch) {}

  /**
   * What is computed.
   *
   * @param estimators at least one, no two of the same name; the first goes into the checkpoint,
   *     all into the report
   * @param options what the estimators were told
   * @param miniBatching what a mini-batch is
   * @param initial where a moving average starts
   * @param accumulation how sums are kept
   */
  public record Statistics(
      List<Estimator> estimators,
      Estimator.Options options,
      MiniBatching miniBatching,
      Initial initial,
      Accumulation accumulation) {

    /**
     * Copies the list.
     *
     * @throws IllegalArgumentException if there is no estimator
     */
    public Statistics {
      if (estimators.isEmpty()) {
        throw new IllegalArgumentException("no estimator, but at least one is needed");
      }
      estimators = List.copyOf(estimators);
    }

    /**
     * What was chosen for estimators that look at mini-batches, in the words of the command line,
     * by key of a checkpoint's metadata.
     *
     * @param of the estimators that it is told for
     */
    Map<String, String> choices(Collection<Estimator> of) {
      Map<String, String> choices = new LinkedHashMap<>();
      if (of.stream().anyMatch(estimator -> estimator.terms().isPresent())) {
        choices.put(MetadataKeys.MINI_BATCH, miniBatching.word());
      }
      if (of.stream().anyMatch(estimator -> estimator.name().equals(Estimator.MOVING_AVERAGE))) {
        choices.put(
            MetadataKeys.MOMENTUM,
            options.momentum().isPresent()
                ? Double.toString(options.momentum().getAsDouble())
                : "none");
        choices.put(MetadataKeys.INITIAL, initial.word());
      }
      return choices;
    }

    /** The estimator whose statistics go into the checkpoint. */
    public Estimator forCheckpoint() {
      return estimators.get(0);
    }
  }

  /** Where a moving average starts. */
  public enum Initial {
    /** Mean 0 and variance 1, as in a new layer. */
    FRESH("fresh"),
    /** What {@link Output#model} holds. */
    MODEL("model");

    private final String word;

    Initial(String word) {
      this.word = word;
    }

    /** The word for it on the command line and in job files. */
    public String word() {
      return word;
    }
  }

  /**
   * A model file of which a copy is written, with new running statistics in it.
   *
   * @param path absolute path or URI
   * @param stateDict key of the state dict inside the file; empty to look for it
   * @param names layer of the activations to layer of the model, where they differ
   */
  public record Model(String path, Optional<String> stateDict, Map<String, String> names) {

    /** Copies the map, whose order is kept. */
    public Model {
      names = Collections.unmodifiableMap(new LinkedHashMap<>(names));
    }
  }

  /**
   * The checkpoint.
   *
   * @param path absolute path or URI
   * @param model that it is a copy of; empty for a new checkpoint
   * @param convention whose words it is written in
   * @param dtype floating element type of mean and variance in a new checkpoint
   * @param epsilon recorded for whoever evaluates; finite, 0 or more
   * @param overwrite whether a file that is there already is replaced; otherwise it is refused
   */
  public record Output(
      String path,
      Optional<Model> model,
      Convention convention,
      DType dtype,
      double epsilon,
      boolean overwrite) {

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if the type is not floating, or epsilon is negative or not
     *     finite
     */
    public Output {
      if (!dtype.isFloating()) {
        throw new IllegalArgumentException("dtype " + dtype + ", but a floating type is needed");
      }
      if (!Double.isFinite(epsilon) || epsilon < 0) {
        throw new IllegalArgumentException(
            "epsilon " + epsilon + ", but a finite number of 0 or more is needed");
      }
    }

    /** {@link #overwrite} as storage has it. */
    Overwrite replacing() {
      return overwrite ? Overwrite.REPLACE : Overwrite.REFUSE;
    }
  }
}
