package org.sparkbatchnorm.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class ChannelLayoutTest {
  /** Different lengths on every axis, and every axis once of length 1. */
  static Stream<Arguments> layoutsAndShapes() {
    long[] lengths = {2, 3, 4, 5, 6};
    List<Arguments> cases = new ArrayList<>();
    for (ChannelLayout layout : ChannelLayout.values()) {
      for (int rank = 2; rank <= 5; rank++) {
        if (fits(layout, rank)) {
          for (int shortened = -1; shortened < rank; shortened++) {
            long[] shape = Arrays.copyOf(lengths, rank);
            if (shortened >= 0) {
              shape[shortened] = 1;
            }
            for (ElementOrder order : ElementOrder.values()) {
              cases.add(Arguments.of(layout, Shape.of(shape), order));
            }
          }
        }
      }
    }
    return cases.stream();
  }

  private static boolean fits(ChannelLayout layout, int rank) {
    return switch (layout) {
      case CHANNELS_FIRST, CHANNELS_LAST -> true;
      default -> layout.name().length() == rank;
    };
  }

  @ParameterizedTest
  @MethodSource("layoutsAndShapes")
  void channelOfEveryElementIsItsIndexOnTheChannelAxis(
      ChannelLayout layout, Shape shape, ElementOrder order) {
    ChannelView view = layout.view(shape, order);
    int axis = channelAxis(layout, shape.rank());
    assertThat(view.elements()).isEqualTo(shape.elements());
    assertThat(view.elementsPerChannel()).isEqualTo(shape.elements() / shape.dimension(axis));
    long[] index = new long[shape.rank()];
    for (long i = 0; i < shape.elements(); i++) {
      assertThat(i / view.inner() % view.channels()).as("element %d", i).isEqualTo(index[axis]);
      advance(index, shape, order);
    }
  }

  /** The axis of the letter C. */
  private static int channelAxis(ChannelLayout layout, int rank) {
    return switch (layout) {
      case CHANNELS_FIRST -> 1;
      case CHANNELS_LAST -> rank - 1;
      default -> layout.name().indexOf('C');
    };
  }

  /** Counts the multi-dimensional index up by one element in memory. */
  private static void advance(long[] index, Shape shape, ElementOrder order) {
    int rank = shape.rank();
    for (int step = 0; step < rank; step++) {
      int axis = order == ElementOrder.ROW_MAJOR ? rank - 1 - step : step;
      index[axis]++;
      if (index[axis] < shape.dimension(axis)) {
        return;
      }
      index[axis] = 0;
    }
  }

  @Test
  void knownViews() {
    Shape shape = Shape.of(2, 3, 5, 7);
    assertThat(ChannelLayout.NCHW.view(shape, ElementOrder.ROW_MAJOR))
        .isEqualTo(new ChannelView(2, 3, 35));
    assertThat(ChannelLayout.NHWC.view(shape, ElementOrder.ROW_MAJOR))
        .isEqualTo(new ChannelView(30, 7, 1));
    assertThat(ChannelLayout.NCHW.view(shape, ElementOrder.COLUMN_MAJOR))
        .isEqualTo(new ChannelView(35, 3, 2));
    assertThat(ChannelLayout.NHWC.view(shape, ElementOrder.COLUMN_MAJOR))
        .isEqualTo(new ChannelView(1, 7, 30));
  }

  @ParameterizedTest
  @EnumSource
  void emptyArraysHaveAView(ElementOrder order) {
    assertThat(ChannelLayout.NCHW.view(Shape.of(0, 3, 5, 7), order).elements()).isZero();
    ChannelView noChannels = ChannelLayout.NCHW.view(Shape.of(2, 0, 5, 7), order);
    assertThat(noChannels.channels()).isZero();
    assertThat(noChannels.elements()).isZero();
    assertThat(noChannels.elementsPerChannel()).isEqualTo(70);
  }

  @ParameterizedTest
  @EnumSource
  void refusesScalarsAndVectors(ChannelLayout layout) {
    for (Shape shape : new Shape[] {Shape.of(), Shape.of(4)}) {
      assertThatThrownBy(() -> layout.view(shape, ElementOrder.ROW_MAJOR))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "shape %s has rank %d, but activations have a batch axis and a channel axis",
              shape, shape.rank());
    }
  }

  @ParameterizedTest
  @EnumSource
  void refusesAnotherRankThanItsLetters(ChannelLayout layout) {
    for (int rank = 2; rank <= 6; rank++) {
      if (fits(layout, rank)) {
        continue;
      }
      long[] lengths = new long[rank];
      Arrays.fill(lengths, 2);
      Shape shape = Shape.of(lengths);
      assertThatThrownBy(() -> layout.view(shape, ElementOrder.ROW_MAJOR))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "shape %s has rank %d, but layout %s has rank %d",
              shape, rank, layout.word(), layout.word().length());
    }
  }

  @Test
  void refusesMoreChannelsThanAnIntCounts() {
    assertThatThrownBy(() -> ChannelLayout.NC.view(Shape.of(1, 1L << 31), ElementOrder.ROW_MAJOR))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shape [1, 2147483648] has 2147483648 channels, more than 2147483647");
  }

  @ParameterizedTest
  @EnumSource
  void isFoundByItsExactWordOnly(ChannelLayout layout) {
    assertThat(ChannelLayout.ofWord(layout.word())).contains(layout);
    assertThat(ChannelLayout.ofWord(" " + layout.word())).isEmpty();
    assertThat(ChannelLayout.ofWord(layout.word().toLowerCase(Locale.ROOT) + "x")).isEmpty();
    assertThat(ChannelLayout.words()).contains(layout.word());
  }
}
