package org.sparkbatchnorm.kernel;

import java.util.random.RandomGenerator;

/** Where the numbers of a case lie: x, mean, variance, gamma, beta; and the layer's epsilon. */
enum Scales {
  ORDINARY(1e-5) {
    @Override
    double[] draw(RandomGenerator r) {
      double x = 3 * r.nextGaussian();
      return new double[] {x, r.nextGaussian(), r.nextDouble(), r.nextGaussian(), 2};
    }
  },
  WITHOUT_SHIFT(1e-3) {
    @Override
    double[] draw(RandomGenerator r) {
      double x = 100 * r.nextGaussian();
      return new double[] {x, r.nextGaussian(), r.nextDouble(), 1, 0};
    }
  },
  LARGE_MEAN_SMALL_VARIANCE(1e-5) {
    @Override
    double[] draw(RandomGenerator r) {
      return new double[] {1e4 + 1e-2 * r.nextGaussian(), 1e4, 1e-4, r.nextDouble(), 0.1};
    }
  },
  HUGE_MEAN(1e-5) {
    @Override
    double[] draw(RandomGenerator r) {
      double mean = r.nextGaussian() * 1e37;
      double x = mean * r.nextDouble();
      return new double[] {x, mean, r.nextDouble() * 1e36, r.nextGaussian(), 1e3};
    }
  },
  MEAN_WITHIN_ULPS_OF_X(1e-12) {
    @Override
    double[] draw(RandomGenerator r) {
      float x = (float) (r.nextGaussian() * Math.pow(10, r.nextInt(-6, 7)));
      double mean = x + Math.ulp(x) * r.nextInt(-3, 4) + Math.ulp((double) x) * r.nextInt(-3, 4);
      return new double[] {x, mean, Math.abs(x) * 1e-8, 1, 0};
    }
  },
  SUBNORMAL(1e-5) {
    @Override
    double[] draw(RandomGenerator r) {
      return new double[] {
        subnormal(r), subnormal(r), subnormal(r), 1e10 * r.nextGaussian(), subnormal(r)
      };
    }
  },
  SUBNORMAL_VARIANCE_AND_EPSILON(1e-40) {
    @Override
    double[] draw(RandomGenerator r) {
      return new double[] {subnormal(r), subnormal(r), subnormal(r), 1e-20, subnormal(r)};
    }
  },
  ANY_FLOATS(1e-5) {
    @Override
    double[] draw(RandomGenerator r) {
      return new double[] {
        anyFloat(r), anyFloat(r), Math.abs(anyFloat(r)), anyFloat(r), anyFloat(r)
      };
    }
  },
  BETA_CANCELS(1e-5) {
    @Override
    double[] draw(RandomGenerator r) {
      float x = (float) r.nextGaussian();
      double nearly = 1 + r.nextGaussian() * Math.pow(2, -r.nextInt(50));
      double minusP = -3 * (x - 0.25) / Math.sqrt(0.5 + 1e-5);
      return new double[] {x, 0.25, 0.5, 3, minusP * nearly};
    }
  };

  private final double epsilon;

  Scales(double epsilon) {
    this.epsilon = epsilon;
  }

  double epsilon() {
    return epsilon;
  }

  /** Fresh x, mean, variance, gamma, beta. */
  abstract double[] draw(RandomGenerator random);

  private static float anyFloat(RandomGenerator random) {
    float any = Float.intBitsToFloat(random.nextInt());
    return Float.isFinite(any) ? any : anyFloat(random);
  }

  private static double subnormal(RandomGenerator random) {
    return Float.MIN_VALUE * (double) random.nextInt(1 << random.nextInt(24));
  }
}
