package org.sparkbatchnorm.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class TensorBlockTest {
  private static final ChannelView SIX = new ChannelView(1, 3, 2);

  @Test
  void countsTheElementsBetweenPositionAndLimit() {
    ByteBuffer bytes = ByteBuffer.allocate(100).position(10).limit(18);
    assertThat(new TensorBlock(DType.F32, bytes, SIX, 4).elements()).isEqualTo(2);
    assertThat(new TensorBlock(DType.F16, bytes, SIX, 2).elements()).isEqualTo(4);
    assertThat(TensorBlock.whole(DType.U8, bytes.limit(16), SIX).firstElement()).isZero();
  }

  @Test
  void mayBeEmptyAnywhereInTheArrayAndAtItsEnd() {
    for (int first = 0; first <= 6; first++) {
      ByteBuffer none = ByteBuffer.allocate(0);
      assertThat(new TensorBlock(DType.F64, none, SIX, first).elements()).isZero();
    }
  }

  @Test
  void refusesBytesThatAreNoWholeNumberOfElements() {
    assertThatThrownBy(() -> TensorBlock.whole(DType.F32, ByteBuffer.allocate(6), SIX))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("6 bytes are no whole number of F32 elements");
  }

  @Test
  void refusesElementsOutsideTheArray() {
    ByteBuffer two = ByteBuffer.allocate(16);
    assertThatThrownBy(() -> new TensorBlock(DType.F64, two, SIX, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("elements 5 + 2 reach outside an array of 6");
    assertThatThrownBy(() -> new TensorBlock(DType.F64, two, SIX, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("elements -1 + 2 reach outside an array of 6");
    // The sum of position and count wraps to a negative number here.
    assertThatThrownBy(() -> new TensorBlock(DType.F64, two, SIX, Long.MAX_VALUE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("elements 9223372036854775807 + 2 reach outside an array of 6");
  }

  @Test
  void aSliceSharesTheBytesAndKnowsItsPlace() {
    ByteBuffer bytes = ByteBuffer.allocate(2 + 4 * 3).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putShort((short) 0).putFloat(1).putFloat(2).putFloat(3).position(2);
    TensorBlock block = new TensorBlock(DType.F32, bytes, new ChannelView(2, 2, 2), 4);
    TensorBlock slice = block.slice(1, 3);
    assertThat(slice.elements()).isEqualTo(2);
    assertThat(slice.firstElement()).isEqualTo(5);
    assertThat(slice.view()).isEqualTo(block.view());
    assertThat(slice.bytes().order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    bytes.putFloat(6, 20);
    assertThat(slice.bytes().getFloat(slice.bytes().position())).isEqualTo(20);
    assertThat(block.bytes().position()).isEqualTo(2);
    assertThat(block.slice(1, 1).elements()).isZero();
    assertThat(block.slice(0, 3)).isSameAs(block);
  }
}
