package org.sparkbatchnorm.format.keras;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/** Layers in a configuration, at every depth and in every order of keys. */
class KerasConfigTest {
  private static KerasConfig read(String json) throws IOException {
    return KerasConfig.read(ReadableBytes.of("config.json", json.getBytes(StandardCharsets.UTF_8)));
  }

  private static String layer(String className, String name, String more) {
    return "{\"class_name\": \"%s\", \"config\": {\"name\": \"%s\"%s}}"
        .formatted(className, name, more);
  }

  private static String model(String... layers) {
    return "{\"config\": {\"name\": \"m\", \"layers\": [[], %s, 1]}, \"class_name\": \"Sequential\"}"
        .formatted(String.join(", ", layers));
  }

  @Test
  void aLayerIsFoundByItsNameInsideThoseAround() throws IOException {
    KerasConfig config =
        read(
            model(
                layer("Dense", "d", ""),
                layer(
                    "Functional",
                    "block",
                    ", \"layers\": ["
                        + layer(
                            "BatchNormalization",
                            "bn",
                            ", \"scale\": false, \"epsilon\": 1, \"trainable\": false")
                        + "]"),
                layer(
                    "TimeDistributed",
                    "td",
                    ", \"layer\": " + layer("BatchNormalization", "bn", ", \"renorm\": true"))));
    assertThat(config.layer(List.of("d")))
        .contains(new KerasLayerConfig("Dense", true, true, true, false, OptionalDouble.empty()));
    assertThat(config.layer(List.of("block", "bn")))
        .contains(
            new KerasLayerConfig(
                "BatchNormalization", false, false, true, false, OptionalDouble.of(1)));
    assertThat(config.layer(List.of("td", "bn")).orElseThrow().isRenormalizing()).isTrue();
    assertThat(config.layer(List.of("bn"))).isEmpty();
    assertThat(config.layer(List.of("m"))).isEmpty();
    assertThat(KerasConfig.none().layer(List.of("d"))).isEmpty();
  }

  @Test
  void whatContradictsItselfSaysNothing() throws IOException {
    KerasConfig config =
        read(
            model(
                layer("BatchNormalization", "a", ""),
                layer("BatchNormalization", "a", ", \"scale\": false"),
                layer("BatchNormalization", "b", ""),
                layer("BatchNormalization", "b", "")));
    assertThat(config.layer(List.of("a"))).isEmpty();
    assertThat(config.layer(List.of("b"))).isPresent();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''|at byte 0: KERAS_CONFIG: the model's configuration must be a JSON object",
        "[]|at byte 0: KERAS_CONFIG: the model's configuration must be a JSON object",
        "{} {}|at byte 3: KERAS_CONFIG: something after the configuration",
        "{\"a\": 1, \"a\": 2}|KERAS_CONFIG: Duplicate field 'a'",
        "{\"a\": |KERAS_CONFIG: Unexpected end-of-input",
        "{\"a\": NaN}|KERAS_CONFIG: Non-standard token 'NaN'"
      })
  void whatIsNoConfiguration(String json, String message) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith("config.json")
        .hasMessageContaining(message);
  }

  @Test
  void configurationsBeyondALimit() {
    String deep = "{\"a\":".repeat(100_000);
    assertThatThrownBy(() -> read(deep))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("KERAS_CONFIG: Document nesting depth (201) exceeds the maximum");
    String arrays = "{\"a\":" + "[".repeat(100_000);
    assertThatThrownBy(() -> read(arrays))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("KERAS_CONFIG: Document nesting depth (201) exceeds the maximum");
    String many = "{\"a\": [" + "{},".repeat(1_000_001) + "{}]}";
    assertThatThrownBy(() -> read(many))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("KERAS_CONFIG: more than 1000000 objects in the configuration");
    String named = layer("A".repeat(5000), "n".repeat(4000), "");
    String nested = named;
    for (int i = 0; i < 60; i++) {
      nested = layer("A", "n".repeat(4000), ", \"x\": " + nested);
    }
    String names = nested;
    StringBuilder layers = new StringBuilder(names);
    for (int i = 0; i < 3; i++) {
      layers.append(", ").append(names);
    }
    assertThatThrownBy(() -> read(model(layers.toString())))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("KERAS_CONFIG: names of more than 16777216 characters");
  }
}
