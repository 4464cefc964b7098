package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestNameTest {
  private static final List<String> KNOWN =
      List.of("layout", "layouts", "layers", "NCHW", "F32", "F16", "pooled-unbiased");

  @ParameterizedTest
  @CsvSource({
    "layout, layout",
    "layuot, layout", // neighbours swapped: one edit
    "layot, layout",
    "laayout, layout",
    "Layouts, layouts", // case aside
    "nchw, NCHW",
    "F33, F32",
    "pooled_unbiasd, pooled-unbiased"
  })
  void findsTheNearest(String found, String nearest) {
    assertThat(NearestName.of(found, KNOWN)).contains(nearest);
  }

  @ParameterizedTest
  @CsvSource({"x", "paths", "I8", "lay", "''"})
  void findsNoneThatIsFar(String found) {
    assertThat(NearestName.of(found, KNOWN)).isEmpty();
  }

  @Test
  void takesTheFirstOfSeveralEquallyNear() {
    assertThat(NearestName.of("b1", List.of("a1", "c1"))).contains("a1");
  }

  @Test
  void passesOverNamesBeyondReason() {
    String longName = "a".repeat(201);
    assertThat(NearestName.of(longName, List.of(longName))).isEmpty();
  }
}
