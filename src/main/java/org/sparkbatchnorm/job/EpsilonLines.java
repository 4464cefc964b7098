package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.layer.Convention;

/** What whoever takes over statistics must know of the epsilons that go with them. */
final class EpsilonLines {
  private static final int NAMED = 5;

  private EpsilonLines() {}

  /**
   * A line for each epsilon.
   *
   * @param source convention of the checkpoint, whose epsilon counts where none is recorded
   * @param target convention of the layers to come
   * @throws MalformedFileException METADATA if one is no number
   */
  static List<String> of(Checkpoint checkpoint, Convention source, Convention target)
      throws MalformedFileException {
    Map<Double, List<String>> layers = new TreeMap<>();
    boolean isRecorded = true;
    for (String layer : checkpoint.layers().keySet()) {
      OptionalDouble recorded = checkpoint.epsilon(layer);
      isRecorded &= recorded.isPresent();
      layers
          .computeIfAbsent(recorded.orElse(source.epsilon()), epsilon -> new ArrayList<>())
          .add(Printable.escape(layer));
    }
    List<String> lines = new ArrayList<>();
    if (!isRecorded) {
      lines.add(
          "epsilon: not recorded"
              + (layers.size() > 1 ? " for some layers" : "")
              + "; taken to be the "
              + source.epsilon()
              + " that a layer of "
              + source.word()
              + " has unless it is told otherwise");
    }
    layers.forEach(
        (epsilon, names) ->
            lines.add(
                "epsilon: "
                    + epsilon
                    + " goes with "
                    + (layers.size() == 1 ? "these statistics" : named(names))
                    + meaning(epsilon, target)));
    return lines;
  }

  private static String named(List<String> names) {
    return (names.size() == 1 ? "layer " : "layers ")
        + Listing.of(names, NAMED, ", ", " and " + (names.size() - NAMED) + " more");
  }

  private static String meaning(double epsilon, Convention target) {
    return target.epsilon() == epsilon
        ? ", as in a layer of its own"
        : ", but a layer of "
            + target.word()
            + " adds "
            + target.epsilon()
            + " unless it is told otherwise: set its epsilon to "
            + epsilon;
  }
}
