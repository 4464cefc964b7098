package org.sparkbatchnorm.statistics;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;

/** Kinds of data that take different ways through the vector kernel. */
enum KernelData {
  GAUSSIAN,
  RELU,
  SIGMOID,
  GELU_TAIL,
  MEAN_1E7,
  CONSTANT,
  ZERO,
  ZEROS_OF_BOTH_SIGNS,
  NEGATIVE_ZERO_AMONG_OTHERS,
  BYTES,
  POWERS_OF_TWO,
  FLOAT_PATTERNS,
  DOUBLE_PATTERNS,
  SUBNORMAL_FLOATS,
  SUBNORMAL_DOUBLES,
  NEAR_SMALLEST_WINDOW_OF_DOUBLES,
  NEAR_LARGEST_WINDOW_OF_DOUBLES,
  SCALE_1E30,
  LARGEST,
  LOG_NORMAL_3,
  LOG_NORMAL_20,
  HUGE_AND_TINY,
  SCALE_CHANGES,
  EDGE_OF_A_WINDOW,
  SOME_NAN,
  SOME_INFINITE;

  private double next(Random random, int i) {
    return switch (this) {
      case GAUSSIAN -> random.nextGaussian();
      case RELU -> Math.max(0, random.nextGaussian());
      case SIGMOID -> 1 / (1 + Math.exp(-4 * random.nextGaussian()));
      case GELU_TAIL -> -Math.exp(-30 * random.nextDouble());
      case MEAN_1E7 -> 1e7 + random.nextGaussian();
      case CONSTANT -> 0.1;
      case ZERO -> 0;
      case ZEROS_OF_BOTH_SIGNS -> random.nextBoolean() ? 0.0 : -0.0;
      case NEGATIVE_ZERO_AMONG_OTHERS -> i % 3 == 0 ? -0.0 : random.nextGaussian();
      case BYTES -> random.nextInt(256);
      case POWERS_OF_TWO -> Math.scalb(1.0, random.nextInt(60) - 30);
      case FLOAT_PATTERNS -> Float.intBitsToFloat(random.nextInt());
      case DOUBLE_PATTERNS -> Double.longBitsToDouble(random.nextLong());
      case SUBNORMAL_FLOATS -> (random.nextInt(1 << 24) - (1 << 23)) * 0x1p-149;
      case SUBNORMAL_DOUBLES -> random.nextInt() * Double.MIN_VALUE;
      case NEAR_SMALLEST_WINDOW_OF_DOUBLES ->
          Math.scalb(1 + random.nextDouble(), i / 100 * 13 % 140 - 540);
      case NEAR_LARGEST_WINDOW_OF_DOUBLES ->
          Math.scalb(1 + random.nextDouble(), i / 100 * 13 % 40 + 490);
      case SCALE_1E30 -> 1e30 * random.nextGaussian();
      case LARGEST -> random.nextBoolean() ? Float.MAX_VALUE : -Float.MAX_VALUE;
      case LOG_NORMAL_3 -> Math.exp(3 * random.nextGaussian());
      case LOG_NORMAL_20 -> Math.exp(20 * random.nextGaussian());
      case HUGE_AND_TINY -> i % 2 == 0 ? 3e38 : 1e-45;
      case SCALE_CHANGES -> Math.scalb(random.nextGaussian(), i / 500 % 9 * 12 - 50);
      case EDGE_OF_A_WINDOW -> (i % 700 == 0 ? 8 - 0x1p-20 : 1) * (i % 2 == 0 ? 1 : -1);
      case SOME_NAN -> random.nextInt(700) == 0 ? Double.NaN : random.nextGaussian();
      case SOME_INFINITE ->
          random.nextInt(700) == 0
              ? (random.nextBoolean() ? 1 : -1) * Double.POSITIVE_INFINITY
              : random.nextGaussian();
    };
  }

  /** Values of a floating-point type, in this byte order; what is too large for it is infinite. */
  ByteBuffer of(DType dtype, int count, ByteOrder order, Random random) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = next(random, i);
    }
    ByteBuffer bytes = ByteBuffer.allocate(count * dtype.bytes()).order(order);
    Elements.encode(dtype, values, count, bytes);
    return bytes.flip();
  }
}
