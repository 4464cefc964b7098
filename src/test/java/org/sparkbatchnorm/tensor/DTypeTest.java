package org.sparkbatchnorm.tensor;

import static org.assertj.core.api.Assertions.assertThat;

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
}
