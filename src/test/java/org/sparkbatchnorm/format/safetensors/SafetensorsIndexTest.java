package org.sparkbatchnorm.format.safetensors;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

class SafetensorsIndexTest {

  private static SafetensorsIndex read(String text) throws IOException {
    return SafetensorsIndex.read(ReadableBytes.of("index.json", text.getBytes(UTF_8)));
  }

  @Test
  void whatIsNotTheMapOfWeightsIsPassedOver() throws IOException {
    SafetensorsIndex index =
        read(
            " {\"metadata\": {\"total_size\": 1e3, \"x\": [[]]},"
                + " \"weight_map\": {\"b\": \"2\", \"a\": \"1\", \"c\": \"2\"}, \"more\": null} ");
    assertThat(index.shards()).isEqualTo(Map.of("b", "2", "a", "1", "c", "2"));
    assertThat(index.files()).containsExactly("2", "1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "``|HEADER_FIELD: an index must be a JSON object",
        "[]|HEADER_FIELD: an index must be a JSON object",
        "{}|HEADER_FIELD: no weight_map in the index",
        "{\"weight_map\": []}|HEADER_FIELD: weight_map must be an object of strings",
        "{\"weight_map\": {\"a\": 1}}|HEADER_FIELD: weight_map must be an object of strings",
        "{\"weight_map\": {\"a\": \"x\", \"a\": \"y\"}}|HEADER_JSON: Duplicate field 'a'",
        "{\"weight_map\": {}} {}|HEADER_JSON: the index goes on after its JSON object",
        "{\"weight_map\": {|HEADER_JSON: Unexpected end-of-input",
        "{\"weight_map\": {\"a\": \"x/y\"}}|PATH_ESCAPE: 'a' is in 'x/y', expected the name of a"
            + " file beside the index",
        "{\"weight_map\": {\"a\": \".hidden\"}}|PATH_ESCAPE: 'a' is in '.hidden'",
        "{\"weight_map\": {\"a\": \"\"}}|PATH_ESCAPE: 'a' is in ''",
        "{\"weight_map\": {\"a\": \"x\\u0000\"}}|PATH_ESCAPE: 'a' is in"
      })
  void anythingElseIsRefused(String text, String message) {
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith("index.json")
        .hasMessageContaining(message);
  }

  @Test
  void deepNestingAndTooManyTensorsAreRefused() {
    assertThatThrownBy(() -> read("{\"x\":" + "[".repeat(100_000)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("HEADER_JSON");
    String tensors =
        IntStream.rangeClosed(0, Limits.TENSORS)
            .mapToObj(i -> "\"" + i + "\":\"x\"")
            .collect(Collectors.joining(","));
    assertThatThrownBy(() -> read("{\"weight_map\":{" + tensors + "}}"))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("TOO_MANY_TENSORS: more than 100000 tensors in one index");
  }
}
