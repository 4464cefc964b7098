package org.sparkbatchnorm.job;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.sparkbatchnorm.kernel.BatchNorm;
import org.sparkbatchnorm.kernel.BatchNormTraining;
import org.sparkbatchnorm.kernel.NormalizationKernels;
import org.sparkbatchnorm.layer.BatchNormParameters;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.KernelChoice;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;
import org.sparkbatchnorm.tensor.TensorBlock;

/** Makes the contestants of a {@link NormalizationBenchmark}, and what they work on. */
final class NormalizationContestants {
  static final String COPY = "F32 array copy";
  static final String EVAL = "F32 eval";
  static final String TRAIN = "F32 train";
  static final String SCALAR = ", scalar kernel";
  static final String TORCH = "PyTorch F32 ";
  static final String PREALLOCATED = ", preallocated";
  static final String MODULE = ", module(x)";
  static final String HUGE_PAGES = ", huge pages";

  static final List<String> LAYOUTS = List.of("NCHW", "NHWC");

  private static final int IMAGES = 64;
  private static final int CHANNELS = 64;
  private static final int SIDE = 56;
  private static final int ELEMENTS = IMAGES * CHANNELS * SIDE * SIDE;

  /** Of a pass over floats. */
  static final long BYTES = (long) ELEMENTS * Float.BYTES;

  private final List<Contestant> contestants = new ArrayList<>();
  private final BatchNormParameters parameters;
  private final RunningStatistics running;

  /**
   * Who takes part.
   *
   * @param name what it is called in the table
   * @param layout NCHW or NHWC
   * @param bytes of its input
   * @param turn does it once
   */
  record Contestant(String name, String layout, long bytes, Turn turn) {}

  /** One measurement. */
  interface Turn {
    double seconds() throws Exception;
  }

  NormalizationContestants() {
    Random random = new Random(1);
    double[] mean = random.doubles(CHANNELS, -1, 1).toArray();
    double[] variance = random.doubles(CHANNELS, 0.5, 2).toArray();
    parameters =
        BatchNormParameters.of(mean, variance, 1e-5)
            .withGamma(random.doubles(CHANNELS, -2, 2).toArray())
            .withBeta(random.doubles(CHANNELS, -1, 1).toArray());
    running = RunningStatistics.of(mean, variance, 0);
    double[] values = new double[ELEMENTS];
    Arrays.setAll(values, i -> random.nextGaussian());
    addFloats(values);
    addBytes(values, DType.F32);
    addBytes(values, DType.F16);
    addBytes(values, DType.BF16);
    addDoubles(values);
  }

  List<Contestant> all() {
    return List.copyOf(contestants);
  }

  private void add(String name, String layout, long bytes, Runnable pass) {
    contestants.add(
        new Contestant(
            name,
            layout,
            bytes,
            () -> {
              long start = System.nanoTime();
              pass.run();
              return (System.nanoTime() - start) / 1e9;
            }));
  }

  private static Shape shape(int images, String layout) {
    return layout.equals("NCHW")
        ? Shape.of(images, CHANNELS, SIDE, SIDE)
        : Shape.of(images, SIDE, SIDE, CHANNELS);
  }

  private BatchNorm eval(String kernel) {
    return BatchNorm.eval(parameters, NormalizationKernels.ofThisJvm(Optional.of(kernel)));
  }

  // One array for both layouts: the less there is in memory, the more of it stays in a cache.

  private void addFloats(double[] values) {
    float[] input = new float[ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++) {
      input[i] = (float) values[i];
    }
    float[] output = new float[ELEMENTS];
    LAYOUTS.forEach(layout -> addFloats(input, output, layout));
  }

  private void addFloats(float[] input, float[] output, String layout) {
    Shape shape = shape(IMAGES, layout);
    ChannelLayout channels = ChannelLayout.valueOf(layout);
    BatchNorm vector = eval("vector");
    BatchNorm scalar = eval("scalar");
    add(COPY, layout, BYTES, () -> System.arraycopy(input, 0, output, 0, ELEMENTS));
    add(EVAL, layout, BYTES, () -> vector.apply(input, output, shape, channels));
    add(EVAL + SCALAR, layout, BYTES, () -> scalar.apply(input, output, shape, channels));
    add(EVAL + ", in place", layout, BYTES, () -> vector.apply(output, output, shape, channels));
    for (String kernel : new String[] {"vector", "scalar"}) {
      BatchNormTraining training =
          BatchNorm.train(Convention.PYTORCH, NormalizationKernels.ofThisJvm(Optional.of(kernel)));
      add(
          kernel.equals("vector") ? TRAIN : TRAIN + SCALAR,
          layout,
          BYTES,
          () -> {
            // Also for the sums, which are asked for in there.
            System.setProperty(KernelChoice.PROPERTY, kernel);
            training.apply(input, output, shape, channels, running);
            System.clearProperty(KernelChoice.PROPERTY);
          });
    }
  }

  private void addDoubles(double[] values) {
    double[] input = Arrays.copyOf(values, ELEMENTS / 2);
    double[] output = new double[input.length];
    LAYOUTS.forEach(layout -> addDoubles(input, output, layout));
  }

  private void addDoubles(double[] input, double[] output, String layout) {
    int elements = input.length;
    Shape shape = shape(IMAGES / 2, layout);
    ChannelLayout channels = ChannelLayout.valueOf(layout);
    BatchNorm vector = eval("vector");
    BatchNorm scalar = eval("scalar");
    add("F64 array copy", layout, BYTES, () -> System.arraycopy(input, 0, output, 0, elements));
    add("F64 eval", layout, BYTES, () -> vector.apply(input, output, shape, channels));
    add("F64 eval" + SCALAR, layout, BYTES, () -> scalar.apply(input, output, shape, channels));
  }

  private void addBytes(double[] values, DType dtype) {
    ByteBuffer input = ByteBuffer.allocate(ELEMENTS * dtype.bytes()).order(ByteOrder.nativeOrder());
    Elements.encode(dtype, values, ELEMENTS, input);
    input.flip();
    ByteBuffer output = ByteBuffer.allocate(input.capacity()).order(ByteOrder.nativeOrder());
    LAYOUTS.forEach(layout -> addBytes(dtype, input, output, layout));
  }

  private void addBytes(DType dtype, ByteBuffer input, ByteBuffer output, String layout) {
    ChannelView view =
        ChannelLayout.valueOf(layout).view(shape(IMAGES, layout), ElementOrder.ROW_MAJOR);
    TensorBlock block = TensorBlock.whole(dtype, input, view);
    BatchNorm vector = eval("vector");
    BatchNorm scalar = eval("scalar");
    String name = dtype + " eval, bytes";
    add(name, layout, input.capacity(), () -> vector.apply(block, output.clear()));
    add(name + SCALAR, layout, input.capacity(), () -> scalar.apply(block, output.clear()));
  }

  /**
   * PyTorch.
   *
   * @param suffix of the names in the table
   */
  void addTorch(TorchReference torch, String suffix) {
    for (String layout : LAYOUTS) {
      for (String mode : new String[] {"eval", "train"}) {
        contestants.add(
            new Contestant(
                TORCH + mode + PREALLOCATED + suffix,
                layout,
                torch.bytes(),
                () -> torch.run(mode + "-preallocated-" + layout, 1)));
        contestants.add(
            new Contestant(
                TORCH + mode + MODULE + suffix,
                layout,
                torch.bytes(),
                () -> torch.run(mode + "-module-" + layout, 1)));
      }
    }
  }
}
