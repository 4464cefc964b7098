package org.sparkbatchnorm.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DTypeTest {
  @ParameterizedTest
  @EnumSource
  void nameTellsTheWidth(DType dtype) {
    assertThat(dtype.bytes() * 8).isEqualTo(Integer.parseInt(dtype.name().replaceAll("\\D", "")));
  }

  @ParameterizedTest
  @EnumSource
  void isFoundByItsExactNameOnly(DType dtype) {
    assertThat(DType.ofName(dtype.name())).contains(dtype);
    assertThat(DType.ofName(dtype.name().toLowerCase(Locale.ROOT))).isEmpty();
    assertThat(DType.names()).contains(dtype.name());
  }

  @Test
  void fourTypesAreFloating() {
    assertThat(Arrays.stream(DType.values()).filter(DType::isFloating))
        .containsExactly(DType.F64, DType.F32, DType.F16, DType.BF16);
  }

  @Test
  void ulpsReachTheNextValue() {
    for (int bits = 0; bits < 0x7c00; bits++) {
      double value = Half.ofBinary16((short) bits);
      double next = bits == 0x7bff ? 0x1p16 : Half.ofBinary16((short) (bits + 1));
      assertThat(DType.F16.ulp(value)).isEqualTo(next - value).isEqualTo(DType.F16.ulp(-value));
    }
    for (int bits = 0; bits < 0x7f80; bits++) {
      double value = Half.ofBfloat16((short) bits);
      double next = bits == 0x7f7f ? 0x1p128 : Half.ofBfloat16((short) (bits + 1));
      assertThat(DType.BF16.ulp(value)).isEqualTo(next - value).isEqualTo(DType.BF16.ulp(-value));
    }
    assertThat(DType.F32.ulp(1)).isEqualTo(0x1p-23);
    assertThat(DType.F32.ulp(0)).isEqualTo(0x1p-149);
    assertThat(DType.F64.ulp(-1)).isEqualTo(0x1p-52);
  }

  @ParameterizedTest
  @EnumSource
  void onlyFloatingTypesHaveUlps(DType dtype) {
    if (dtype.isFloating()) {
      assertThat(dtype.ulp(Double.NEGATIVE_INFINITY)).isEqualTo(Double.POSITIVE_INFINITY);
      assertThat(dtype.ulp(Double.NaN)).isNaN();
    } else {
      assertThatThrownBy(() -> dtype.ulp(1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(dtype + " is not a floating-point type");
    }
  }
}
