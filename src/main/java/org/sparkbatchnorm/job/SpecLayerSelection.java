package org.sparkbatchnorm.job;

import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.tensor.ChannelLayout;

/**
 * The layers and layouts that a job asks for; can be sent to executors.
 *
 * @param tellsKeys whether the pattern of names has a group batch
 */
record SpecLayerSelection(
    Pattern name,
    List<String> layers,
    LinkedHashMap<String, ChannelLayout> layouts,
    ChannelLayout layout,
    boolean tellsKeys)
    implements LayerSelection, Serializable {
  private static final long serialVersionUID = 1L;

  SpecLayerSelection(
      Pattern name,
      List<String> layers,
      LinkedHashMap<String, ChannelLayout> layouts,
      ChannelLayout layout) {
    this(name, layers, layouts, layout, NamedGroup.isIn(name.pattern(), "batch"));
  }

  @Override
  public Optional<String> layerOf(String tensor) {
    Matcher matcher = name.matcher(tensor);
    return matcher.matches() ? Optional.ofNullable(matcher.group("layer")) : Optional.empty();
  }

  @Override
  public Optional<String> keyOf(String tensor) {
    Matcher matcher = name.matcher(tensor);
    return tellsKeys && matcher.matches()
        ? Optional.ofNullable(matcher.group("batch"))
        : Optional.empty();
  }

  @Override
  public boolean isWanted(String layer) {
    return layers.isEmpty() || layers.stream().anyMatch(g -> new LayerGlob(g).matches(layer));
  }

  @Override
  public ChannelLayout layoutOf(String layer) {
    for (Map.Entry<String, ChannelLayout> entry : layouts.entrySet()) {
      if (new LayerGlob(entry.getKey()).matches(layer)) {
        return entry.getValue();
      }
    }
    return layout;
  }

  @Override
  public String pattern() {
    return name.pattern();
  }
}
