package org.sparkbatchnorm.source;

import java.util.Optional;
import org.sparkbatchnorm.tensor.ChannelLayout;

/** Which layer a tensor belongs to, whether it is wanted, and where its channels are. */
public interface LayerSelection {
  /** The layer of a tensor of this whole name; empty if the name is not of the expected pattern. */
  Optional<String> layerOf(String tensor);

  /** The key of the mini-batch that a tensor of this whole name is part of, if it tells one. */
  Optional<String> keyOf(String tensor);

  /** Whether the layer is to be used. */
  boolean isWanted(String layer);

  /** The layout of a layer's tensors. */
  ChannelLayout layoutOf(String layer);

  /** The pattern that names are expected to match, for messages. */
  String pattern();
}
