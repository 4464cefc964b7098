package org.sparkbatchnorm.job;

import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkbatchnorm.checkpoint.Model;
import org.sparkbatchnorm.checkpoint.ModelFormat;
import org.sparkbatchnorm.checkpoint.ModelOptions;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.kernel.BatchNorm;
import org.sparkbatchnorm.kernel.NormalizationKernels;
import org.sparkbatchnorm.layer.BatchNormParameters;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.IoFailure;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Overwrite;
import org.sparkbatchnorm.storage.Publication;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.ChannelLayout;

/**
 * Evaluates one layer of a checkpoint over an npy file, block by block: the file may be larger than
 * memory. The output has the input's type, shape, byte order and element order. No Spark.
 *
 * @param layer which layer; a checkpoint whose name says no format is taken for safetensors
 * @param layout of the input
 * @param input path or URI of the npy file
 * @param output where the result goes
 * @param overwrite whether it may replace a file
 */
public record Evaluation(
    LayerRequest layer, ChannelLayout layout, String input, String output, Overwrite overwrite) {
  private static final Logger LOG = LoggerFactory.getLogger(Evaluation.class);

  /**
   * Reads, normalizes and writes.
   *
   * @throws OutputExistsException if the output exists and may not be replaced; nothing was read
   * @throws JobSpecException if a layer must be named and is not, or a kernel is forced that cannot
   *     run here
   * @throws MalformedFileException if the checkpoint or the input is bad, or they do not fit;
   *     nothing was written
   * @throws CommitException if the output could not be written
   */
  public void run(Storage storage)
      throws OutputExistsException, MalformedFileException, CommitException {
    Publication publication = storage.publication(output, overwrite);
    publication.requirePossible();
    NormalizationKernels kernels = LocalKernels.normalization();
    LOG.info("{}", kernels.reason());
    BatchNorm batchNorm = batchNorm(storage, kernels);
    try (NpyActivations in =
        NpyActivations.open(storage, input, layout, batchNorm::requireChannels)) {
      publication.publish(out -> in.normalize(batchNorm, out));
    } catch (CommitException e) {
      throw e;
    } catch (IOException e) {
      throw IoFailure.describe(StoredFile.display(input), e);
    }
  }

  private BatchNorm batchNorm(Storage storage, NormalizationKernels kernels)
      throws MalformedFileException {
    String file = StoredFile.display(layer.checkpoint());
    ModelFormat format = ModelFormat.ofPath(layer.checkpoint()).orElse(ModelFormat.SAFETENSORS);
    try (Model model = Model.open(storage, layer.checkpoint(), format, ModelOptions.none())) {
      ChosenLayer chosen = ChosenLayer.of(layer, file, model);
      BatchNormParameters parameters = chosen.parameters();
      LOG.info(
          "layer {}: {}, {}, epsilon {}",
          chosen.name(),
          parameters.gamma().isPresent() ? "weight" : "no weight",
          parameters.beta().isPresent() ? "bias" : "no bias",
          parameters.epsilon());
      return BatchNorm.eval(parameters, kernels);
    } catch (IllegalArgumentException e) {
      throw new MalformedFileException(
          file, MalformedFileException.NO_OFFSET, "VARIANCE", e.getMessage());
    }
  }
}
