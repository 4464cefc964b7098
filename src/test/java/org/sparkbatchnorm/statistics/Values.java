package org.sparkbatchnorm.statistics;

import java.util.random.RandomGenerator;

/** Kinds of activations; every value is a float. */
enum Values {
  GAUSSIAN {
    @Override
    double draw(RandomGenerator random) {
      return random.nextGaussian();
    }
  },
  RELU {
    @Override
    double draw(RandomGenerator random) {
      return Math.max(0, random.nextGaussian());
    }
  },
  LARGE_MEAN_SMALL_DEVIATION {
    @Override
    double draw(RandomGenerator random) {
      return 1e7 + 0.1 * random.nextGaussian();
    }
  },
  /** Their squares are beyond the range of floats. */
  HUGE {
    @Override
    double draw(RandomGenerator random) {
      return 1e30 * random.nextGaussian();
    }
  },
  /** Over more than 60 decades; ends at the largest float. */
  WIDE_LOG_NORMAL {
    @Override
    double draw(RandomGenerator random) {
      return Math.min(Float.MAX_VALUE, Math.exp(20 * random.nextGaussian()));
    }
  },
  SUBNORMAL {
    @Override
    double draw(RandomGenerator random) {
      return Float.MIN_VALUE * (double) random.nextInt(-(1 << 23) + 1, 1 << 23);
    }
  },
  INTEGERS {
    @Override
    double draw(RandomGenerator random) {
      return random.nextInt(256);
    }
  },
  /** The first value, which the sums are shifted by, is far from all others. */
  OUTLIER_FIRST {
    @Override
    double draw(RandomGenerator random) {
      return random.nextGaussian();
    }

    @Override
    double[] draw(RandomGenerator random, int count) {
      double[] values = super.draw(random, count);
      values[0] = 1e20f;
      return values;
    }
  };

  abstract double draw(RandomGenerator random);

  /** That many values, at least 1, each rounded to float. */
  double[] draw(RandomGenerator random, int count) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) draw(random);
    }
    return values;
  }
}
