package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LayerGlobTest {

  @ParameterizedTest
  @CsvSource({
    "bn1, bn1",
    "*, bn1",
    "*, ''",
    "'', ''",
    "bn?, bn1",
    "b*1, bn1",
    "b*1, b1",
    "*.bn?, layer1.0.bn1",
    "layer*.bn*, layer1.0.bn1",
    "*ab*ab, abab",
    "*ab, aab",
    "a**b, ab",
    "a/b, a/b",
    "*, a/b.c"
  })
  void matches(String glob, String name) {
    assertThat(new LayerGlob(glob).matches(name)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "bn1, bn10",
    "bn1, xbn1",
    "bn1, BN1",
    "bn?, bn",
    "bn?, bn10",
    "a.b, axb",
    "*ab, aba",
    "?, ''",
    "'', a",
    "[ab], a",
    "'{a,b}', a",
    "\\*, *"
  })
  void doesNotMatch(String glob, String name) {
    assertThat(new LayerGlob(glob).matches(name)).isFalse();
  }

  @Test
  void everyOtherCharacterStandsForItself() {
    String name = "\\E.+()[]{}^$|\n";
    assertThat(new LayerGlob(name).matches(name)).isTrue();
    assertThat(new LayerGlob(name + "?").matches(name + "\n")).isTrue();
  }

  @Test
  void aQuestionMarkIsOneCharacterBeyondTheBasicPlaneToo() {
    assertThat(new LayerGlob("a?b").matches("a\uD83D\uDE00b")).isTrue();
    assertThat(new LayerGlob("a??b").matches("a\uD83D\uDE00b")).isFalse();
  }

  @Test
  void manyStarsAreNotSlow() {
    // By backtracking over all stars this would take about 2000^30 steps.
    LayerGlob glob = new LayerGlob("*a".repeat(30) + "b");
    assertThat(glob.matches("a".repeat(2000))).isFalse();
  }
}
