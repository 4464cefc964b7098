package org.sparkbatchnorm.source;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/** Shards that exist in headers only, and a selection of layers. */
final class Shards {
  /**
   * {@code LAYER/NUMBER}, the number its key, or {@code LAYER/} without one; a layer that ends in
   * {@code -last} has its channels there.
   */
  static final LayerSelection LAYER_SLASH_NUMBER =
      new LayerSelection() {
        @Override
        public Optional<String> layerOf(String tensor) {
          int slash = tensor.lastIndexOf('/');
          return slash < 0 ? Optional.empty() : Optional.of(tensor.substring(0, slash));
        }

        @Override
        public Optional<String> keyOf(String tensor) {
          String key = tensor.substring(tensor.lastIndexOf('/') + 1);
          return key.isEmpty() ? Optional.empty() : Optional.of(key);
        }

        @Override
        public boolean isWanted(String layer) {
          return !layer.startsWith("unwanted");
        }

        @Override
        public ChannelLayout layoutOf(String layer) {
          return layer.endsWith("-last")
              ? ChannelLayout.CHANNELS_LAST
              : ChannelLayout.CHANNELS_FIRST;
        }

        @Override
        public String pattern() {
          return "LAYER/NUMBER";
        }
      };

  private Shards() {}

  static Shard shard(String name, ShardTensor... tensors) {
    StoredFile file = new StoredFile("file:/in/" + name, name, 1000, 5);
    return new Shard(file, Map.of(), List.of(tensors));
  }

  static ShardTensor tensor(String name, DType dtype, long offset, long... shape) {
    return new ShardTensor(
        name, dtype, ByteOrdering.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR, Shape.of(shape), offset);
  }

  static ShardTensor columnMajor(ShardTensor tensor) {
    return new ShardTensor(
        tensor.name(),
        tensor.dtype(),
        tensor.ordering(),
        ElementOrder.COLUMN_MAJOR,
        tensor.shape(),
        tensor.offset());
  }
}
