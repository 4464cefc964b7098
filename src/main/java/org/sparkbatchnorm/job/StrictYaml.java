package org.sparkbatchnorm.job;

import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.schema.CoreSchema;
import org.sparkbatchnorm.format.Printable;

/**
 * The part of YAML that job files are written in: one document of mappings, lists and plain or
 * quoted values. Anchors, aliases, tags and merge keys are refused while the text is still a stream
 * of events, and so is deep nesting, so that nothing is built whose size is not that of the file.
 */
final class StrictYaml {
  private static final int DEEPEST = 16;
  private static final int LONGEST = 1 << 20;

  private StrictYaml() {}

  /**
   * The root of the only document, empty if there is none.
   *
   * @throws JobSpecException if the text is anything else
   */
  static Optional<Node> compose(JobFile file) {
    if (file.text().length() > LONGEST) {
      throw new JobSpecException(
          Printable.escape(file.name()) + ": longer than " + LONGEST + " characters");
    }
    LoadSettings settings =
        LoadSettings.builder()
            .setLabel(file.name())
            .setSchema(new CoreSchema())
            .setAllowNonScalarKeys(true)
            .setVersionFunction(UnaryOperator.identity())
            .build();
    try {
      int documents = 0;
      int depth = 0;
      for (Event event : new Parse(settings).parseString(file.text())) {
        if (event instanceof DocumentStartEvent document) {
          check(file, document, ++documents);
        }
        if (event instanceof CollectionStartEvent && ++depth > DEEPEST) {
          throw refused(file, event, "nested deeper than " + DEEPEST + " levels");
        }
        if (event instanceof CollectionEndEvent) {
          depth--;
        }
        check(file, event);
      }
      return new Compose(settings).composeString(file.text());
    } catch (MarkedYamlEngineException e) {
      String place =
          e.getProblemMark().map(mark -> file.place(mark.getLine() + 1)).orElse(file.name());
      String problem =
          Stream.of(e.getContext(), e.getProblem())
              .filter(Objects::nonNull)
              .collect(Collectors.joining(": "));
      throw invalid(place, problem);
    } catch (ReaderException e) {
      throw invalid(
          file.place(lineOf(file.text(), e.getPosition())),
          String.format("character U+%04X is not allowed", e.getCodePoint()));
    } catch (YamlEngineException e) {
      throw invalid(file.name(), e.getMessage());
    }
  }

  private static void check(JobFile file, Event event) {
    if (event instanceof AliasEvent alias) {
      String name = "*" + alias.getAlias().getValue();
      throw refused(
          file, event, "alias " + name + " is not allowed; a glob that starts with * needs quotes");
    }
    if (event instanceof NodeEvent node && node.getAnchor().isPresent()) {
      throw refused(
          file, event, "anchor &" + node.getAnchor().get().getValue() + " is not allowed");
    }
    Optional<String> tag = Optional.empty();
    if (event instanceof ScalarEvent scalar) {
      if (scalar.isPlain() && scalar.getValue().equals("<<")) {
        throw refused(file, event, "merge key << is not allowed");
      }
      tag = scalar.getTag();
    } else if (event instanceof CollectionStartEvent collection) {
      tag = collection.getTag();
    }
    if (tag.isPresent()) {
      String shorthand = tag.get().replace(Tag.PREFIX, "!!");
      throw refused(file, event, "tag " + shorthand + " is not allowed");
    }
  }

  private static void check(JobFile file, DocumentStartEvent document, int documents) {
    if (documents > 1) {
      throw refused(file, document, "a second document starts; a job file holds one");
    }
    if (document.getSpecVersion().isPresent() || !document.getTags().isEmpty()) {
      throw refused(file, document, "directives (%YAML, %TAG) are not allowed");
    }
  }

  private static JobSpecException refused(JobFile file, Event event, String reason) {
    int line = event.getStartMark().orElseThrow().getLine() + 1;
    return new JobSpecException(file.place(line) + ": " + Printable.escape(reason));
  }

  private static JobSpecException invalid(String place, String problem) {
    return new JobSpecException(place + ": not valid YAML: " + Printable.escape(problem));
  }

  private static int lineOf(String text, int codePoint) {
    return 1 + (int) text.codePoints().limit(codePoint).filter(c -> c == '\n').count();
  }
}
