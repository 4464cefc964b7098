package org.sparkbatchnorm.job;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * What our own checkpoints record of a layer beside its statistics; {@link ReportJson} writes it.
 * Immutable.
 */
final class Provenance {
  private final long[] counts;
  private final OptionalLong miniBatches;

  private Provenance(long[] counts, OptionalLong miniBatches) {
    this.counts = counts;
    this.miniBatches = miniBatches;
  }

  /** Values per channel: one number for all, or one for each; none where they are not recorded. */
  long[] counts() {
    return counts.clone();
  }

  /**
   * A layer with the number of mini-batches that is recorded of it, where it has none of its own:
   * npz and Keras' names have no place for it.
   */
  static CheckpointLayer withMiniBatches(
      CheckpointLayer layer, String name, Map<String, Provenance> recorded) {
    Provenance provenance = recorded.get(name);
    return provenance == null
            || provenance.miniBatches.isEmpty()
            || layer.batchesTracked().isPresent()
        ? layer
        : layer.withBatchesTracked(provenance.miniBatches.getAsLong());
  }

  /**
   * What the checkpoint of a file records, by layer; nothing for files of others.
   *
   * @throws MalformedFileException METADATA if it is not what we write
   */
  static Map<String, Provenance> of(String file, Checkpoint checkpoint)
      throws MalformedFileException {
    String json = checkpoint.metadata().get(MetadataKeys.LAYERS);
    if (json == null) {
      return Map.of();
    }
    Map<String, Provenance> layers = new HashMap<>();
    try (JsonParser parser = new JsonFactory().createParser(json)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw malformed(file, "no object");
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String layer = parser.currentName();
        if (parser.nextToken() != JsonToken.START_OBJECT) {
          throw malformed(file, "layer '" + layer + "' is no object");
        }
        layers.put(layer, layer(parser));
      }
      return layers;
    } catch (JsonProcessingException e) {
      throw malformed(file, e.getOriginalMessage());
    } catch (MalformedFileException e) {
      throw e;
    } catch (IOException e) {
      throw malformed(file, e.getMessage());
    }
  }

  private static Provenance layer(JsonParser parser) throws IOException {
    long[] counts = new long[0];
    OptionalLong miniBatches = OptionalLong.empty();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String field = parser.currentName();
      parser.nextToken();
      switch (field) {
        case "count" -> counts = numbers(parser);
        case "miniBatches" -> miniBatches = OptionalLong.of(parser.getLongValue());
        default -> parser.skipChildren();
      }
    }
    return new Provenance(counts, miniBatches);
  }

  private static long[] numbers(JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      return new long[] {parser.getLongValue()};
    }
    List<Long> numbers = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      numbers.add(parser.getLongValue());
    }
    return numbers.stream().mapToLong(Long::longValue).toArray();
  }

  private static MalformedFileException malformed(String file, String reason) {
    return new MalformedFileException(
        file,
        MalformedFileException.NO_OFFSET,
        "METADATA",
        MetadataKeys.LAYERS + " must be JSON of layers and their counts: " + reason);
  }
}
