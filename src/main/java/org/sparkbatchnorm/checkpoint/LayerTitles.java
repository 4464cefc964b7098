package org.sparkbatchnorm.checkpoint;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparkbatchnorm.format.keras.KerasLayer;

/**
 * What the BatchNormalization layers of a Keras model are called here, and what else they may be
 * called. Immutable.
 */
final class LayerTitles {
  private final Map<String, List<KerasLayer>> byName = new HashMap<>();
  private final Map<String, String> aliases = new HashMap<>();

  LayerTitles(List<KerasLayer> layers) {
    List<KerasLayer> batchNorms = layers.stream().filter(KerasLayer::isBatchNorm).toList();
    for (KerasLayer layer : batchNorms) {
      for (String name : names(layer)) {
        byName.computeIfAbsent(name, any -> new ArrayList<>()).add(layer);
      }
    }
    for (KerasLayer layer : batchNorms) {
      for (String name : names(layer)) {
        if (meansOne(name) && !name.equals(of(layer))) {
          aliases.put(name, of(layer));
        }
      }
    }
  }

  /** All that a layer may be called, if no other is. */
  private static Set<String> names(KerasLayer layer) {
    Set<String> names = new LinkedHashSet<>();
    layer.name().ifPresent(names::add);
    if (!layer.names().isEmpty()) {
      names.add(String.join("/", layer.names()));
    }
    names.add(layer.path());
    return names;
  }

  private boolean meansOne(String name) {
    return byName.get(name).size() == 1;
  }

  /** What a layer is called. */
  String of(KerasLayer layer) {
    return layer.name().filter(byName::containsKey).filter(this::meansOne).orElse(layer.path());
  }

  /** Other names of layers, with what they are called. */
  Map<String, String> aliases() {
    return aliases;
  }
}
