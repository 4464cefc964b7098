package org.sparkbatchnorm.job;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.sparkbatchnorm.source.Shard;

/**
 * What a dump's own word for how it was made, {@code mode} in the metadata of its files, says about
 * the statistics. In eval mode every BatchNorm layer of the model normalizes by the running
 * statistics that are to be replaced, so that what enters the next one is not what will enter it.
 */
final class EvalModeWarning {
  private static final String KEY = "mode";
  private static final String EVAL = "eval";

  private EvalModeWarning() {}

  /**
   * The warning, a sentence.
   *
   * @param layers names of all that are in the dump, wanted or not; one alone may well be the first
   *     of its model
   */
  static Optional<String> of(List<Shard> shards, Set<String> layers) {
    List<Shard> found =
        shards.stream().filter(shard -> EVAL.equals(shard.metadata().get(KEY))).toList();
    if (found.isEmpty() || layers.size() < 2) {
      return Optional.empty();
    }
    return Optional.of(
        Quantity.of(found.size(), "file")
            + " with activations of "
            + Quantity.of(layers.size(), "layer")
            + " recorded in eval mode ("
            + found.get(0).file().display()
            + (found.size() > 1 ? ", ..." : "")
            + "): only statistics of layers with no BatchNorm upstream are right; record in mode"
            + " \"train\", or one layer at a time, in order of depth, each with the statistics of"
            + " those before it in the model");
  }
}
