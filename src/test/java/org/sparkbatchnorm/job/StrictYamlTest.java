package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Texts that are not YAML, or more of it than job files are written in. */
class StrictYamlTest {

  static Stream<Arguments> refused() {
    return Stream.of(
        arguments("a: 1\n---\nb: 2\n", ":2: a second document starts; a job file holds one"),
        arguments("a: &x 1\n", ":1: anchor &x is not allowed"),
        arguments("a: &x\n  b: 1\n", ":1: anchor &x is not allowed"),
        arguments("a: [&x b, *x]\n", ":1: anchor &x is not allowed"),
        arguments(
            "input:\n  layers: *bn1\n",
            ":2: alias *bn1 is not allowed; a glob that starts with * needs quotes"),
        arguments("a: !!str 1\n", ":1: tag !!str is not allowed"),
        arguments("a:\n- !x {}\n", ":2: tag !x is not allowed"),
        arguments("a: ! b\n", ":1: tag ! is not allowed"),
        arguments("a:\n  <<: {b: c}\n", ":2: merge key << is not allowed"),
        arguments("%YAML 1.2\n---\na: 1\n", ":1: directives (%YAML, %TAG) are not allowed"),
        arguments("%YAML 3.0\n---\na: 1\n", ":1: directives (%YAML, %TAG) are not allowed"),
        arguments("%TAG !e! tag:x,1:\n---\na: 1\n", ":1: directives (%YAML, %TAG) are not allowed"),
        arguments("[\n".repeat(100_000), ":17: nested deeper than 16 levels"),
        arguments("{a: ".repeat(100_000), ":1: nested deeper than 16 levels"));
  }

  static Stream<Arguments> invalid() {
    return Stream.of(
        arguments("a: b: c\n", ":1: not valid YAML: mapping values are not allowed here"),
        arguments(
            "input:\n\tpaths: a\n",
            ":2: not valid YAML: while scanning for the next token: found character '\\t(TAB)' that"
                + " cannot start any token. (Do not use \\t(TAB) for indentation)"),
        arguments(
            "a: [b\n",
            ":2: not valid YAML: while parsing a flow sequence:"
                + " expected ',' or ']', but got <stream end>"),
        arguments(
            "input:\n  layers: *\n",
            ":2: not valid YAML: while scanning an alias: unexpected character found \\u000a(10)"),
        arguments(
            "a: 'b\n\n",
            ":3: not valid YAML: while scanning a quoted scalar: found unexpected end of stream"),
        arguments("a: 1\nb\u0007: 2\n", ":2: not valid YAML: character U+0007 is not allowed"),
        arguments("#".repeat((1 << 20) + 1), ": longer than 1048576 characters"));
  }

  @ParameterizedTest
  @MethodSource({"refused", "invalid"})
  void isRefused(String yaml, String message) {
    JobFile file = new JobFile("x.yaml", yaml, "/w");
    assertThatThrownBy(() -> JobSpec.parse(file))
        .isInstanceOf(JobSpecException.class)
        .hasMessage("x.yaml" + message);
  }

  @Test
  void anAliasBombIsRefusedAtItsFirstAnchor() {
    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x]\n");
    for (int i = 1; i < 100; i++) {
      bomb.append("a%d: &a%d [*a%d, *a%d]\n".formatted(i, i, i - 1, i - 1));
    }
    JobFile file = new JobFile("x.yaml", bomb.toString(), "/w");
    assertThatThrownBy(() -> JobSpec.parse(file))
        .isInstanceOf(JobSpecException.class)
        .hasMessage("x.yaml:1: anchor &a0 is not allowed");
  }

  @Test
  void bytesThatAreNotUtf8() {
    byte[] latin1 = {'a', ':', ' ', (byte) 0xe4};
    assertThatThrownBy(() -> JobFile.decode("x.yaml", latin1, "/w"))
        .isInstanceOf(JobSpecException.class)
        .hasMessage("x.yaml: not a text in UTF-8");
  }
}
