package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkbatchnorm.estimator.MiniBatchSpread;
import org.sparkbatchnorm.format.Printable;

/**
 * Says where {@code paper} and {@code pooled-unbiased} differ by more than chance explains, and so
 * which layers' mini-batches were not drawn at random.
 */
final class SpreadWarnings {
  /** Layers that the warning names. */
  private static final int LAYERS = 5;

  private SpreadWarnings() {}

  /** The warning, if there is one. */
  static Optional<String> of(List<RunReport.Layer> layers) {
    List<String> found = new ArrayList<>();
    for (RunReport.Layer layer : layers) {
      MiniBatchSpread.beyondChance(layer.moments())
          .ifPresent(spread -> found.add(describe(layer, spread)));
    }
    return found.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "mini-batches differ from each other by more than chance, so that paper misses"
                + " variance that pooled-unbiased has; were the data not shuffled? "
                + String.join("; ", found.subList(0, Math.min(LAYERS, found.size())))
                + (found.size() > LAYERS
                    ? "; and " + Quantity.of(found.size() - LAYERS, "more layer")
                    : ""));
  }

  private static String describe(RunReport.Layer layer, MiniBatchSpread spread) {
    return "layer "
        + Printable.escape(layer.name())
        + ": "
        + spread.channels()
        + " of "
        + Quantity.of(layer.channels(), "channel")
        + ", channel "
        + spread.channel()
        + " most: "
        + NumberRange.number(spread.paper())
        + " against "
        + NumberRange.number(spread.pooledUnbiased());
  }
}
