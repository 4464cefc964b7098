package org.sparkbatchnorm.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ShapeTest {
  @Test
  void countsElementsOfAllAndOfSomeAxes() {
    Shape shape = Shape.of(64, 3, 7, 5);
    assertThat(shape.rank()).isEqualTo(4);
    assertThat(shape.dimension(2)).isEqualTo(7);
    assertThat(shape.elements()).isEqualTo(64 * 3 * 7 * 5);
    assertThat(shape.elements(1, 3)).isEqualTo(21);
    assertThat(shape.elements(2, 2)).isEqualTo(1);
    assertThat(shape).hasToString("[64, 3, 7, 5]");
  }

  @Test
  void rankZeroIsOneElement() {
    assertThat(Shape.of().rank()).isZero();
    assertThat(Shape.of().elements()).isEqualTo(1);
    assertThat(Shape.of()).hasToString("[]");
  }

  @Test
  void aZeroAxisMakesItEmptyButNotItsOtherAxes() {
    Shape shape = Shape.of(4, 0, 5);
    assertThat(shape.elements()).isZero();
    assertThat(shape.elements(0, 2)).isZero();
    assertThat(shape.elements(2, 3)).isEqualTo(5);
  }

  @Test
  void countsUpTo2To63Minus1() {
    assertThat(Shape.of(Long.MAX_VALUE, 1, 1).elements()).isEqualTo(Long.MAX_VALUE);
    // 2^63 - 1 = 7^2 * 73 * 127 * 337 * 92737 * 649657
    assertThat(Shape.of(49, 73, 127, 337, 92737, 649657).elements()).isEqualTo(Long.MAX_VALUE);
    assertThatThrownBy(() -> Shape.of(1L << 32, 1L << 31))
        .isInstanceOf(ArithmeticException.class)
        .hasMessage("axis lengths [4294967296, 2147483648] multiply to more than 2^63 - 1");
  }

  @Test
  void aZeroAxisDoesNotHideAnOverflow() {
    for (Shape valid : new Shape[] {Shape.of(0, Long.MAX_VALUE), Shape.of(Long.MAX_VALUE, 0)}) {
      assertThat(valid.elements()).isZero();
    }
    assertThatThrownBy(() -> Shape.of(0, Long.MAX_VALUE, 2))
        .isInstanceOf(ArithmeticException.class)
        .hasMessage("axis lengths [0, 9223372036854775807, 2] multiply to more than 2^63 - 1");
  }

  @Test
  void refusesANegativeAxis() {
    assertThatThrownBy(() -> Shape.of(2, -1, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("negative axis length -1 in shape [2, -1, 3]");
  }

  @Test
  void isAValueThatSharesNoArray() {
    long[] lengths = {2, 3};
    Shape shape = Shape.of(lengths);
    lengths[0] = 9;
    shape.dimensions()[1] = 9;
    assertThat(shape).isEqualTo(Shape.of(2, 3)).hasSameHashCodeAs(Shape.of(2, 3));
    assertThat(shape).isNotEqualTo(Shape.of(3, 2)).isNotEqualTo(Shape.of(2, 3, 1));
  }
}
