import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;

/**
 * Checks that a report of the digits example makes sense and, given a second one, that both hold the same statistics, to the last bit.
 * Runs from its source, on Spark's class path for the sake of Jackson.
 */
final class CompareReports {
  private static final String[] LAYERS = {"bn1", "bn2", "bn3"};
  private static final int[] CHANNELS = {8, 16, 32};

  public static void main(String[] files) throws Exception {
    JsonNode first = new ObjectMapper().readTree(new File(files[0]));
    require(first.path("fingerprint").asText().length() == 64, "fingerprint: " + first.path("fingerprint"));
    require(first.path("layers").size() == LAYERS.length, "layers: " + first.path("layers").size());
    for (int i = 0; i < LAYERS.length; i++) {
      check(first.path("layers").path(i), LAYERS[i], CHANNELS[i]);
    }
    if (files.length > 1) {
      JsonNode second = new ObjectMapper().readTree(new File(files[1]));
      require(first.path("layers").equals(second.path("layers")), "the statistics differ in some bit");
      require(first.path("fingerprint").equals(second.path("fingerprint")), "the fingerprints differ");
    }
  }

  private static void check(JsonNode layer, String name, int channels) {
    require(layer.path("name").asText().equals(name), "name: " + layer.path("name"));
    require(layer.path("channels").asInt() == channels, name + " channels: " + layer.path("channels"));
    require(layer.path("miniBatches").asInt() == 18, name + " miniBatches: " + layer.path("miniBatches"));
    for (int c = 0; c < channels; c++) {
      double mean = layer.path("mean").path(c).asDouble(Double.NaN);
      double variance = variance(layer, c);
      require(layer.path("count").path(c).asLong() > 1, name + " count of channel " + c);
      require(Double.isFinite(mean), name + " mean of channel " + c + ": " + mean);
      require(variance > 0 && variance < 100, name + " variance of channel " + c + ": " + variance);
    }
  }

  private static double variance(JsonNode layer, int channel) {
    return layer.path("variance").path("pooled-unbiased").path(channel).asDouble(Double.NaN);
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      System.err.println(message);
      System.exit(1);
    }
  }
}
