package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.sparkbatchnorm.checkpoint.Model;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.storage.StoredFile;

/**
 * Which layer of a model the statistics of a layer belong to: the one that the user names, else the
 * one of the same name once the wrappers {@code module.} (DataParallel, EMA) at the beginning and
 * {@code _orig_mod.} (torch.compile) anywhere are left out. Never a guess.
 */
final class LayerNames {
  /** Names that a message lists. */
  private static final int LISTED = 10;

  private final Model model;
  private final String modelPath;
  private final Map<String, String> given;
  private final Map<String, List<String>> byStrippedName = new LinkedHashMap<>();

  /**
   * Names for a model.
   *
   * @param modelPath what messages call it
   * @param given layer of the statistics to layer of the model
   */
  LayerNames(Model model, String modelPath, Map<String, String> given) {
    this.model = model;
    this.modelPath = StoredFile.display(modelPath);
    this.given = given;
    for (String name : model.checkpoint().layers().keySet()) {
      byStrippedName.computeIfAbsent(stripped(name), stripped -> new ArrayList<>()).add(name);
    }
  }

  static String stripped(String name) {
    String rest = name.replace("_orig_mod.", "");
    while (rest.startsWith("module.")) {
      rest = rest.substring("module.".length());
    }
    return rest;
  }

  /**
   * The layer of the model for each of these layers.
   *
   * @throws JobSpecException if a name is given for a layer that is not among them
   * @throws MalformedFileException LAYER_MISSING if the model has no such layer, with the nearest
   *     names; LAYER_AMBIGUOUS if it has several, or two layers would go to the same one
   */
  Map<String, String> match(Collection<String> layers) throws MalformedFileException {
    for (String name : given.keySet()) {
      if (!layers.contains(name)) {
        throw new JobSpecException(
            Setting.CHECKPOINT_NAMES.key()
                + ": there are no statistics of a layer "
                + Printable.escape(name)
                + nearest(name, layers));
      }
    }
    Map<String, String> matched = new LinkedHashMap<>();
    Set<String> taken = new HashSet<>();
    for (String layer : layers) {
      String found = of(layer);
      if (!taken.add(found)) {
        throw malformed(
            "LAYER_AMBIGUOUS",
            "the statistics of two layers would go to layer '" + found + "', '" + layer + "' one");
      }
      matched.put(layer, found);
    }
    return matched;
  }

  /**
   * The layer of the model for this layer alone.
   *
   * @throws MalformedFileException LAYER_MISSING or LAYER_AMBIGUOUS, as {@link #match}
   */
  String of(String layer) throws MalformedFileException {
    return given.containsKey(layer) ? ofGiven(given.get(layer)) : ofSameName(layer);
  }

  private String ofGiven(String name) throws MalformedFileException {
    return Optional.of(name)
        .filter(this::isThere)
        .or(() -> Optional.ofNullable(model.aliases().get(name)))
        .orElseThrow(() -> missing(name));
  }

  private String ofSameName(String layer) throws MalformedFileException {
    if (isThere(layer)) {
      return layer;
    }
    List<String> sameName = byStrippedName.getOrDefault(stripped(layer), List.of());
    if (sameName.size() > 1) {
      throw malformed(
          "LAYER_AMBIGUOUS",
          "layer '"
              + layer
              + "' may be any of '"
              + String.join("', '", sameName)
              + "'; say which in "
              + Setting.CHECKPOINT_NAMES.key());
    }
    return sameName.stream()
        .findFirst()
        .or(() -> Optional.ofNullable(model.aliases().get(layer)))
        .orElseThrow(() -> missing(layer));
  }

  private boolean isThere(String name) {
    return model.checkpoint().layers().containsKey(name);
  }

  private MalformedFileException missing(String layer) {
    Collection<String> known = model.checkpoint().layers().keySet();
    String nearest = nearest(layer, known);
    return malformed(
        "LAYER_MISSING",
        "no layer '"
            + layer
            + "' in the model"
            + (nearest.isEmpty()
                ? "; it has "
                    + known.stream()
                        .limit(LISTED)
                        .map(name -> "'" + name + "'")
                        .collect(Collectors.joining(", "))
                    + (known.size() > LISTED ? ", ... (" + known.size() + " layers)" : "")
                : nearest)
            + "; "
            + Setting.CHECKPOINT_NAMES.key()
            + " maps a layer's name to the model's");
  }

  private static String nearest(String name, Collection<String> known) {
    return NearestName.of(name, known).map(near -> "; the nearest is '" + near + "'").orElse("");
  }

  private MalformedFileException malformed(String code, String reason) {
    return new MalformedFileException(modelPath, MalformedFileException.NO_OFFSET, code, reason);
  }
}
