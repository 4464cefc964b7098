package org.sparkbatchnorm.job;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.source.Shard;
import org.sparkbatchnorm.source.ShardTensor;
import org.sparkbatchnorm.tensor.ChannelLayout;

/**
 * What a dump's own word for where its channels are, {@code layout} in the metadata of its files,
 * says against the layout that it is read with. The wrong axis would be summed without a word, as
 * any axis will do. Arrays of rank 2 are the same in both.
 */
final class LayoutWarning {
  private static final String KEY = "layout";

  private LayoutWarning() {}

  /** The warning, a sentence. */
  static Optional<String> of(List<Shard> shards, LayerSelection selection) {
    Set<String> layers = new TreeSet<>();
    String recorded = "";
    for (Shard shard : shards) {
      String word = shard.metadata().getOrDefault(KEY, "");
      if (!word.equals(ChannelLayout.CHANNELS_LAST.word())
          && !word.equals(ChannelLayout.CHANNELS_FIRST.word())) {
        continue;
      }
      for (ShardTensor tensor : shard.tensors()) {
        Optional<String> layer =
            tensor.shape().rank() > 2 ? selection.layerOf(tensor.name()) : Optional.empty();
        if (layer.isPresent()
            && selection.layoutOf(layer.get()).isChannelsLast()
                != word.equals(ChannelLayout.CHANNELS_LAST.word())) {
          layers.add(layer.get());
          recorded = word;
        }
      }
    }
    return layers.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "activations of "
                + Quantity.of(layers.size(), "layer")
                + " that were recorded "
                + recorded
                + " and are read otherwise ("
                + layers.iterator().next()
                + (layers.size() > 1 ? ", ..." : "")
                + "): the sums are over the wrong axis unless the files are wrong about themselves;"
                + " say --layout "
                + recorded);
  }
}
