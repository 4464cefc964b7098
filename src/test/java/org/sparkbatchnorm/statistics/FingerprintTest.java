package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Expected values: Python 3, hashlib.sha256 over the bytes spelled out beside each. */
class FingerprintTest {
  private static byte[] hex(String digits) {
    return HexFormat.of().parseHex(digits);
  }

  @Test
  void aLayersIsTheHashOfItsBytes() {
    // FIPS 180-4 example: "abc"
    assertThat(Fingerprint.ofLayer(hex("616263")))
        .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }

  @Test
  void aDatasetsCoversNamesInTheOrderOfTheirBytes() {
    // U+FFFD (ef bf bd) is before U+1D11E (f0 9d 84 9e) in UTF-8, but behind it in UTF-16.
    Map<String, byte[]> layers = new LinkedHashMap<>();
    layers.put("\ud834\udd1e", hex("04"));
    layers.put("\ufffd", hex("03"));
    layers.put("bn10", hex("0102"));
    layers.put("bn1", hex(""));
    // 03000000 "bn1", 04000000 "bn10" 0102, 03000000 efbfbd 03, 04000000 f09d849e 04
    assertThat(Fingerprint.ofDataset(layers))
        .isEqualTo("89fed310be424f23c1f79ac828d8e46a84f4941f5885b1d7f741d0bc17d6c5f1");
    assertThat(Fingerprint.ofDataset(Map.of())).isEqualTo(Fingerprint.ofLayer(hex("")));
  }

  @Test
  void namesAndBytesDoNotRunTogether() {
    assertThat(Fingerprint.ofDataset(Map.of("a", hex("62"))))
        .isNotEqualTo(Fingerprint.ofDataset(Map.of("ab", hex(""))));
  }

  @Test
  void aNameThatIsNoUnicodeIsRefused() {
    assertThatThrownBy(() -> Fingerprint.ofDataset(Map.of("bn\ud834", hex(""))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("layer name is not valid Unicode: bn");
  }
}
