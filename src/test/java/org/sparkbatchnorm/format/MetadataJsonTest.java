package org.sparkbatchnorm.format;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MetadataJsonTest {
  @Test
  void whatIsWrittenReadsBack() throws IOException {
    Map<String, String> metadata = Map.of("b", "\"\\\n\ud83d\ude00", "a", "{\"x\": 1}", "", "");
    byte[] json = MetadataJson.write(metadata);
    assertThat(new String(json, UTF_8))
        .isEqualTo("{\"\":\"\",\"a\":\"{\\\"x\\\": 1}\",\"b\":\"\\\"\\\\\\n\ud83d\ude00\"}");
    assertThat(MetadataJson.read("f", 0, json)).isEqualTo(metadata);
    assertThat(MetadataJson.read("f", 0, MetadataJson.write(Map.of()))).isEmpty();
    assertThatThrownBy(() -> MetadataJson.write(Map.of("k", "\ud800")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("lone surrogate in metadata");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "null",
        "{",
        "{\"a\":1}",
        "{\"a\":null}",
        "{\"a\":{}}",
        "{\"a\":\"b\",\"a\":\"b\"}",
        "{} {}",
        "{\"a\":\"b\"}x",
        "{\"a\":\"\u00ff\ufffe\"",
        "text"
      })
  void anythingElseIsRejected(String json) {
    assertThatThrownBy(() -> MetadataJson.read("f", 7, json.getBytes(UTF_8)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith("f at byte 7: METADATA: metadata: ");
  }

  @Test
  void bytesThatAreNoTextAreRejected() {
    byte[] json = {'{', '"', (byte) 0xff, '"', ':', '"', '"', '}'};
    assertThatThrownBy(() -> MetadataJson.read("f", 7, json))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith("f at byte 7: METADATA: metadata: ");
  }
}
