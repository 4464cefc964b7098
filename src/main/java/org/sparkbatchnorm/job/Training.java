package org.sparkbatchnorm.job;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.ModelFormat;
import org.sparkbatchnorm.checkpoint.ModelPart;
import org.sparkbatchnorm.checkpoint.TypedStatistics;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.kernel.BatchNorm;
import org.sparkbatchnorm.kernel.BatchNormTraining;
import org.sparkbatchnorm.kernel.MiniBatchAccumulator;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.IoFailure;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Overwrite;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.DType;

/**
 * One training step of one layer: the npy file is the mini-batch, normalized by its own statistics,
 * and a copy of the checkpoint gets the running statistics after it. The file is read twice, block
 * by block: it may be larger than memory. No Spark.
 *
 * @param layer which layer of which checkpoint
 * @param momentum in the meaning of the convention; its own if absent
 * @param mask path or URI of an npy file that says which positions count; all if absent
 * @param layout of the input
 * @param input path or URI of the npy file
 * @param output where the normalized array goes
 * @param savedCheckpoint where the copy of the checkpoint goes
 * @param overwrite whether they may replace files
 */
public record Training(
    LayerRequest layer,
    Optional<Momentum> momentum,
    Optional<String> mask,
    ChannelLayout layout,
    String input,
    String output,
    String savedCheckpoint,
    Overwrite overwrite) {
  private static final Logger LOG = LoggerFactory.getLogger(Training.class);

  /**
   * A momentum.
   *
   * @param number in the meaning of the convention; absent for the cumulative average
   */
  public record Momentum(OptionalDouble number) {}

  /**
   * Reads, normalizes, and writes both files, the checkpoint last.
   *
   * @throws OutputExistsException if an output exists and may not be replaced; nothing was read
   * @throws JobSpecException if a layer must be named and is not, both outputs are the same file,
   *     the name of a checkpoint says no format, or another one, or a kernel is forced that cannot
   *     run here
   * @throws MalformedFileException if the checkpoint, the input or the mask is bad, or they do not
   *     fit; nothing was written
   * @throws CommitException if an output could not be written
   */
  public void run(Storage storage)
      throws OutputExistsException, MalformedFileException, CommitException {
    requireNames(storage);
    storage.publication(output, overwrite).requirePossible();
    storage.publication(savedCheckpoint, overwrite).requirePossible();
    LOG.info("{}; {}", LocalKernels.exact().reason(), LocalKernels.normalization().reason());
    String file = StoredFile.display(layer.checkpoint());
    JobSpec.Output copied = copy();
    try (ModelCopy copy = ModelCopy.open(storage, copied, copied.model().orElseThrow())) {
      copy.requirePossible();
      run(storage, copy, ChosenLayer.of(layer, file, copy.model()));
    }
  }

  /** A copy keeps types, epsilon and names: those here have no part in it. */
  private JobSpec.Output copy() {
    return new JobSpec.Output(
        savedCheckpoint,
        Optional.of(new JobSpec.Model(layer.checkpoint(), Optional.empty(), Map.of())),
        Convention.PYTORCH,
        DType.F32,
        Convention.PYTORCH.epsilon(),
        overwrite == Overwrite.REPLACE);
  }

  private void requireNames(Storage storage) throws MalformedFileException {
    ModelFormat format =
        ModelFormat.ofPath(layer.checkpoint())
            .orElseThrow(
                () ->
                    JobSpecException.ofSuffix(
                        "--checkpoint", layer.checkpoint(), ModelFormat.allSuffixes()));
    if (ModelFormat.ofPath(savedCheckpoint).filter(other -> other != format).isPresent()) {
      throw JobSpecException.ofSuffix("--save-checkpoint", savedCheckpoint, format.suffixes());
    }
    if (storage.uri(output).equals(storage.uri(savedCheckpoint))) {
      throw new JobSpecException(
          "the output and the saved checkpoint are the same file, "
              + Printable.escape(StoredFile.display(output)));
    }
  }

  private void run(Storage storage, ModelCopy copy, ChosenLayer chosen)
      throws MalformedFileException, CommitException {
    RunningStatistics before = before(chosen);
    BatchNormTraining training = training(chosen);
    try (NpyActivations in =
        NpyActivations.open(
            storage, input, layout, view -> training.requireChannels(view, before))) {
      requireEnoughValues(in, () -> training.requireEnoughValues(in.header().shape(), in.view()));
      ChannelMoments moments = moments(storage, in);
      requireEnoughValues(in, () -> training.requireEnoughValues(moments));
      BatchNormTraining.Step step = step(training, in, moments, before);
      // What cannot be saved fails here, before anything is written.
      List<ModelPart> saved = copy.patched(Map.of(chosen.name(), typed(step.running())));
      warn(chosen, step.running());
      storage
          .publication(output, overwrite)
          .publish(out -> in.normalize(step.normalization(), out));
      copy.publish(saved);
    } catch (CommitException e) {
      throw e;
    } catch (IOException e) {
      throw IoFailure.describe(StoredFile.display(input), e);
    }
  }

  private static void requireEnoughValues(NpyActivations in, Runnable check)
      throws MalformedFileException {
    try {
      check.run();
    } catch (IllegalArgumentException e) {
      throw in.malformed("TOO_FEW_VALUES", e.getMessage());
    }
  }

  private RunningStatistics before(ChosenLayer chosen) throws MalformedFileException {
    CheckpointLayer values = chosen.values();
    long batches = Math.max(0, values.batchesTracked().orElse(0));
    if (momentum.isPresent()
        && momentum.get().number().isEmpty()
        && values.batchesTracked().isEmpty()) {
      throw chosen.malformed(
          "COUNT_UNKNOWN",
          "layer '"
              + chosen.name()
              + "' has no num_batches_tracked, without which there is no cumulative average"
              + " (--momentum none)");
    }
    if (batches == Long.MAX_VALUE) {
      throw chosen.malformed(
          "COUNT_OVERFLOW",
          "num_batches_tracked of layer '" + chosen.name() + "' is 2^63 - 1, and cannot grow");
    }
    return RunningStatistics.of(values.mean(), values.variance(), batches);
  }

  private BatchNormTraining training(ChosenLayer chosen) throws MalformedFileException {
    CheckpointLayer values = chosen.values();
    BatchNormTraining training = BatchNorm.train(chosen.convention()).withEpsilon(chosen.epsilon());
    if (momentum.isPresent()) {
      OptionalDouble number = momentum.get().number();
      training =
          number.isPresent()
              ? training.withMomentum(number.getAsDouble())
              : training.withCumulativeAverage();
    }
    if (values.gamma().isPresent()) {
      training = training.withGamma(values.gamma().get());
    }
    if (values.beta().isPresent()) {
      training = training.withBeta(values.beta().get());
    }
    LOG.info("layer {}: {}", chosen.name(), training);
    return training;
  }

  /** The first pass. */
  private ChannelMoments moments(Storage storage, NpyActivations in) throws IOException {
    if (mask.isEmpty()) {
      return moments(in, MiniBatchAccumulator.forChannels(in.view().channels()));
    }
    try (NpyMask counted = NpyMask.open(storage, mask.get(), in.header(), layout)) {
      ChannelMoments moments =
          moments(in, MiniBatchAccumulator.forChannels(in.view().channels(), counted));
      counted.requireUnchanged();
      return moments;
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } catch (IllegalStateException e) {
      throw new MalformedFileException(
          StoredFile.display(mask.get()),
          MalformedFileException.NO_OFFSET,
          "ALL_MASKED",
          e.getMessage());
    }
  }

  private static ChannelMoments moments(NpyActivations in, MiniBatchAccumulator miniBatch)
      throws IOException {
    in.forEachBlock(miniBatch::add);
    return miniBatch.snapshot();
  }

  private static BatchNormTraining.Step step(
      BatchNormTraining training,
      NpyActivations in,
      ChannelMoments moments,
      RunningStatistics before)
      throws MalformedFileException {
    try {
      return training.step(moments, before);
    } catch (IllegalArgumentException e) {
      throw in.malformed("VARIANCE", e.getMessage());
    }
  }

  private static TypedStatistics typed(RunningStatistics running) {
    return TypedStatistics.of(CheckpointLayer.of(running), running.miniBatches());
  }

  private static void warn(ChosenLayer chosen, RunningStatistics running)
      throws MalformedFileException {
    for (String lost :
        LayerSuspicions.lostIn(CheckpointLayer.of(running), chosen.values().dtype())) {
      LOG.warn("layer {}: {}", chosen.name(), lost);
    }
  }
}
