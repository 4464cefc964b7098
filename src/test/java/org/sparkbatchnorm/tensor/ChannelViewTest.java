package org.sparkbatchnorm.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ChannelViewTest {
  @Test
  void countsElements() {
    ChannelView view = new ChannelView(2, 3, 35);
    assertThat(view.elements()).isEqualTo(210);
    assertThat(view.elementsPerChannel()).isEqualTo(70);
  }

  @Test
  void refusesNegativeExtents() {
    assertThatThrownBy(() -> new ChannelView(-1, 3, 35))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("negative extent in [outer -1, channels 3, inner 35]");
    assertThatThrownBy(() -> new ChannelView(2, -3, 35))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("negative extent in [outer 2, channels -3, inner 35]");
    assertThatThrownBy(() -> new ChannelView(2, 3, -35))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("negative extent in [outer 2, channels 3, inner -35]");
  }

  @Test
  void refusesMoreElementsThanALongCounts() {
    // 2^31 * 4 * 2^31 = 2^64 would wrap to 0 elements.
    assertThatThrownBy(() -> new ChannelView(1L << 31, 4, 1L << 31))
        .isInstanceOf(ArithmeticException.class)
        .hasMessage("axis lengths [2147483648, 4, 2147483648] multiply to more than 2^63 - 1");
    // No channels, but 2^64 elements for each of them.
    assertThatThrownBy(() -> new ChannelView(1L << 32, 0, 1L << 32))
        .isInstanceOf(ArithmeticException.class)
        .hasMessage("axis lengths [4294967296, 0, 4294967296] multiply to more than 2^63 - 1");
  }
}
