package org.sparkbatchnorm.statistics;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.sparkbatchnorm.tensor.DType;

/**
 * One kind of block: values of an array {@code [outer, channels, inner]}. Inner is 1 where channels
 * stand last, be it NC or NHWC.
 */
record KernelLine(DType dtype, int channels, KernelData data, int inner) {
  static final List<Integer> CHANNELS = List.of(64, 2048);

  /** 28 by 28 values. */
  static final int LONG_ROW = 784;

  private static final List<Integer> INNER = List.of(1, 49, 196, LONG_ROW, 3136, 12_544);
  private static final Set<Integer> TELLING_INNER = Set.of(1, 49, LONG_ROW);

  /** All that there are. */
  static List<KernelLine> all() {
    List<KernelLine> lines = new ArrayList<>();
    for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16, DType.F64)) {
      for (int channels : CHANNELS) {
        for (KernelData data :
            List.of(
                KernelData.GAUSSIAN,
                KernelData.RELU,
                KernelData.LOG_NORMAL_3,
                KernelData.LOG_NORMAL_20)) {
          for (int inner : INNER) {
            lines.add(new KernelLine(dtype, channels, data, inner));
          }
        }
      }
    }
    return lines;
  }

  /** Whether a bound is about it: rows of F32, and one block of every type and kind of data. */
  boolean isTelling() {
    if (dtype == DType.F32 && data == KernelData.GAUSSIAN) {
      return TELLING_INNER.contains(inner);
    }
    return inner == LONG_ROW
        && channels == CHANNELS.get(0)
        && (dtype == DType.F32 || data == KernelData.GAUSSIAN);
  }

  KernelLine with(DType other) {
    return new KernelLine(other, channels, data, inner);
  }

  KernelLine with(KernelData other) {
    return new KernelLine(dtype, channels, other, inner);
  }

  KernelLine withChannels(int other) {
    return new KernelLine(dtype, other, data, inner);
  }

  KernelLine withInner(int other) {
    return new KernelLine(dtype, channels, data, other);
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%s C=%d %s inner=%d", dtype, channels, data, inner);
  }
}
