package org.sparkbatchnorm.job;

import java.util.stream.Collectors;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.Model;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.layer.BatchNormParameters;
import org.sparkbatchnorm.layer.Convention;

/**
 * One layer of a checkpoint, and how it is to be used.
 *
 * @param file what messages call the checkpoint
 * @param checkpoint all of it
 * @param name of the layer in it
 * @param convention the user's, else what the file records, else that of its format
 * @param epsilon the user's, else that of the user's convention, else what the file records, else
 *     that of its format's convention
 */
record ChosenLayer(
    String file, Checkpoint checkpoint, String name, Convention convention, double epsilon) {

  /**
   * Finds the layer.
   *
   * @throws JobSpecException if the model has not exactly one layer and none is named
   * @throws MalformedFileException METADATA if what the file records cannot be understood
   */
  static ChosenLayer of(LayerRequest request, String file, Model model)
      throws MalformedFileException {
    Checkpoint checkpoint = model.checkpoint();
    Convention convention =
        request.convention().isPresent()
            ? request.convention().get()
            : RecordedConvention.of(file, checkpoint, model.format());
    String asked =
        request.layer().isPresent() ? request.layer().get() : onlyLayer(file, checkpoint);
    String name =
        checkpoint.layers().containsKey(asked) ? asked : model.aliases().getOrDefault(asked, asked);
    return new ChosenLayer(
        file, checkpoint, name, convention, epsilon(request, checkpoint, name, model));
  }

  private static String onlyLayer(String file, Checkpoint checkpoint) {
    if (checkpoint.layers().size() != 1) {
      throw new JobSpecException(
          "--layer is needed: "
              + file
              + " has the layers "
              + checkpoint.layers().keySet().stream()
                  .map(Printable::escape)
                  .collect(Collectors.joining(", ")));
    }
    return checkpoint.layers().keySet().iterator().next();
  }

  private static double epsilon(
      LayerRequest request, Checkpoint checkpoint, String name, Model model)
      throws MalformedFileException {
    if (request.epsilon().isPresent()) {
      return request.epsilon().getAsDouble();
    }
    return request.convention().isPresent()
        ? request.convention().get().epsilon()
        : checkpoint.epsilon(name).orElse(model.format().convention().epsilon());
  }

  /**
   * What the file holds of it.
   *
   * @throws MalformedFileException as {@link Checkpoint#affineLayer}
   */
  CheckpointLayer values() throws MalformedFileException {
    return checkpoint.affineLayer(name);
  }

  /**
   * What evaluation needs of it.
   *
   * @throws MalformedFileException as {@link Checkpoint#parameters}
   */
  BatchNormParameters parameters() throws MalformedFileException {
    return checkpoint.parameters(name, epsilon);
  }

  /** Something is wrong with the checkpoint, at no single place. */
  MalformedFileException malformed(String code, String reason) {
    return new MalformedFileException(file, MalformedFileException.NO_OFFSET, code, reason);
  }
}
