package org.sparkbatchnorm.checkpoint;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a tensor is to its layer, told by the last part of its name: PyTorch's word, Keras', and
 * words that mean it beside the others of their kind only (Flax, ONNX, our npz files).
 */
enum TensorRole {
  MEAN("running_mean", "moving_mean", "mean|input_mean"),
  VARIANCE("running_var", "moving_variance", "variance|var|input_var"),
  GAMMA("weight", "gamma", "scale"),
  BETA("bias", "beta", "B"),
  /** One of the two above, of which the file does not say which. */
  GAMMA_OR_BETA("gamma_or_beta", "gamma_or_beta", "(?!)"),
  BATCHES_TRACKED("num_batches_tracked", "num_batches_tracked", "(?!)");

  private final String pytorch;
  private final String keras;
  private final Pattern others;

  TensorRole(String pytorch, String keras, String others) {
    this.pytorch = pytorch;
    this.keras = keras;
    this.others = Pattern.compile(others);
  }

  /** Whether a word alone says what a tensor is. */
  enum Certainty {
    CERTAIN,
    IN_COMPANY
  }

  /**
   * A tensor's layer and role.
   *
   * @param layer what comes before the last dot or slash, without Flax's {@code batch_stats/} and
   *     {@code params/}; empty if there is nothing
   */
  record Name(String layer, TensorRole role, Certainty certainty) {
    /** What a tensor's name says, if its last part is a known one. */
    static Optional<Name> parse(String tensor) {
      int separator = Math.max(tensor.lastIndexOf('.'), tensor.lastIndexOf('/'));
      String word = tensor.substring(separator + 1);
      String layer = tensor.substring(0, Math.max(separator, 0));
      for (TensorRole role : values()) {
        if (word.equals(role.pytorch) || word.equals(role.keras)) {
          return Optional.of(new Name(withoutCollection(layer), role, Certainty.CERTAIN));
        }
        if (role.others.matcher(word).matches()) {
          return Optional.of(new Name(withoutCollection(layer), role, Certainty.IN_COMPANY));
        }
      }
      return Optional.empty();
    }

    private static String withoutCollection(String layer) {
      for (String collection : List.of("batch_stats/", "params/")) {
        if (layer.startsWith(collection)) {
          return layer.substring(collection.length());
        }
      }
      return layer;
    }
  }

  /** The name of this tensor of a layer. */
  String in(String layer, Naming naming) {
    String word =
        switch (naming) {
          case PYTORCH -> pytorch;
          case KERAS -> keras;
          case NEUTRAL -> this == MEAN ? "mean" : this == VARIANCE ? "variance" : keras;
        };
    String separator = naming == Naming.NEUTRAL ? "/" : ".";
    return layer.isEmpty() ? word : layer + separator + word;
  }
}
