package org.sparkbatchnorm.estimator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.estimator.Estimator.IncompleteMiniBatches;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.tensor.ChannelView;

/**
 * Simulated layers, shuffled and not. A run of this size beside it, of 10^7 channels of such kinds
 * in numpy, had none that stood out by chance.
 */
class MiniBatchSpreadTest {
  private static final long SEED = 20_271;
  private static final Estimator PAPER = Estimator.paper(IncompleteMiniBatches.REFUSE);

  /** What the positions of a row hold in one channel. */
  private enum Kind {
    /** All independent, normal. */
    NORMAL {
      @Override
      double[] row(Random random, int positions) {
        double[] row = new double[positions];
        for (int p = 0; p < positions; p++) {
          row[p] = 3 + random.nextGaussian();
        }
        return row;
      }
    },
    /** Neighbours are alike, as in a smooth image: correlation 0.95 from one to the next. */
    SMOOTH {
      @Override
      double[] row(Random random, int positions) {
        double[] row = new double[positions];
        double value = random.nextGaussian();
        for (int p = 0; p < positions; p++) {
          row[p] = value;
          value = 0.95 * value + Math.sqrt(1 - 0.95 * 0.95) * random.nextGaussian();
        }
        return row;
      }
    },
    /** As bright an image, as bright all of it. */
    FLAT {
      @Override
      double[] row(Random random, int positions) {
        double value = random.nextGaussian();
        double[] row = new double[positions];
        for (int p = 0; p < positions; p++) {
          row[p] = value + 0.01 * random.nextGaussian();
        }
        return row;
      }
    },
    /** After a ReLU: most images are dark, and a few are bright, some of them very. */
    RARE {
      @Override
      double[] row(Random random, int positions) {
        double[] row = new double[positions];
        if (random.nextInt(60) == 0) {
          double value = Math.exp(1.5 * random.nextGaussian());
          for (int p = 0; p < positions; p++) {
            row[p] = Math.max(0, value * (1 + random.nextGaussian()));
          }
        }
        return row;
      }
    },
    /** Of no fourth moment to speak of. */
    HEAVY {
      @Override
      double[] row(Random random, int positions) {
        double scale = Math.exp(2 * random.nextGaussian());
        double[] row = new double[positions];
        for (int p = 0; p < positions; p++) {
          row[p] = scale * random.nextGaussian();
        }
        return row;
      }
    };

    abstract double[] row(Random random, int positions);
  }

  /** So many mini-batches of rows, the last one with half of them. */
  private static LayerMoments layer(
      Random random, Kind kind, int channels, int batches, int rows, int positions) {
    List<ChannelMoments> made = new ArrayList<>();
    for (int b = 0; b < batches; b++) {
      int its = b == batches - 1 ? (rows + 1) / 2 : rows;
      double[] values = new double[its * channels * positions];
      for (int i = 0; i < its * channels; i++) {
        System.arraycopy(kind.row(random, positions), 0, values, i * positions, positions);
      }
      made.add(Layers.moments(new ChannelView(its, channels, positions), values));
    }
    return Layers.layer(List.of(PAPER), channels, made, positions);
  }

  private static void assertQuiet(LayerMoments layer, String what) {
    assertThat(MiniBatchSpread.beyondChance(layer)).as("seed %d: %s", SEED, what).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void chanceDoesNotStandOut(Kind kind) {
    Random random = new Random(SEED);
    assertQuiet(layer(random, kind, 500, 2, 4, 1), "2 mini-batches of 4");
    assertQuiet(layer(random, kind, 200, 3, 16, 4), "3 mini-batches of 16");
    assertQuiet(layer(random, kind, 300, 10, 32, 1), "10 mini-batches of 32");
    assertQuiet(layer(random, kind, 150, 10, 8, 36), "10 mini-batches of 8 with 36 positions");
    assertQuiet(layer(random, kind, 100, 40, 16, 9), "40 mini-batches of 16 with 9 positions");
    assertQuiet(layer(random, kind, 100, 300, 3, 2), "300 mini-batches of 3");
  }

  /** With the values of a smooth layer taken for independent ones, half of its channels would. */
  @Test
  void positionsOfARowAreNotTakenForIndependent() {
    LayerMoments smooth = layer(new Random(SEED), Kind.SMOOTH, 100, 40, 16, 49);
    double independent = 0;
    double expected = smooth.averages().get(PAPER.terms().orElseThrow()).averageReciprocalRows();
    for (int c = 0; c < 100; c++) {
      double ofMeans =
          smooth.averages().get(PAPER.terms().orElseThrow()).varianceOfMeans(c)
              / smooth.pooled().unbiasedVariance(c);
      independent += ofMeans > MiniBatchSpread.bound(40) * expected / 49 ? 1 : 0;
    }
    assertThat(independent).isGreaterThan(50);
    assertQuiet(smooth, "smooth");
  }

  /**
   * Ten classes, each with a mean of its own in every channel: as rows come in the order of their
   * classes, or shuffled.
   */
  @ParameterizedTest
  @CsvSource({"32, 1, 1", "50, 9, 0.7", "16, 4, 1.5"})
  void classesInOrderStandOut(int rows, int positions, double between) {
    Random random = new Random(SEED);
    int channels = 24;
    List<double[][]> samples = new ArrayList<>();
    for (int label = 0; label < 10; label++) {
      double[] means = random.doubles(channels, -between, between).map(x -> 2 * x).toArray();
      for (int i = 0; i < 2 * rows; i++) {
        double[][] sample = new double[channels][];
        for (int c = 0; c < channels; c++) {
          sample[c] = Kind.SMOOTH.row(random, positions);
          for (int p = 0; p < positions; p++) {
            sample[c][p] += means[c];
          }
        }
        samples.add(sample);
      }
    }
    Optional<MiniBatchSpread> sorted =
        MiniBatchSpread.beyondChance(layer(samples, rows, channels, positions));
    assertThat(sorted).as("seed %d", SEED).isPresent();
    assertThat(sorted.get().channels()).isBetween(channels / 2, channels);
    assertThat(sorted.get().paper()).isLessThan(0.9 * sorted.get().pooledUnbiased());
    Collections.shuffle(samples, random);
    assertQuiet(layer(samples, rows, channels, positions), "shuffled");
  }

  private static LayerMoments layer(
      List<double[][]> samples, int rows, int channels, int positions) {
    List<ChannelMoments> made = new ArrayList<>();
    for (int from = 0; from < samples.size(); from += rows) {
      double[] values = new double[rows * channels * positions];
      for (int i = 0; i < rows * channels; i++) {
        double[] row = samples.get(from + i / channels)[i % channels];
        System.arraycopy(row, 0, values, i * positions, positions);
      }
      made.add(Layers.moments(new ChannelView(rows, channels, positions), values));
    }
    return Layers.layer(List.of(PAPER), channels, made, positions);
  }

  /** 20 mini-batches of 20 rows whose means rise by twice the deviation within them. */
  @Test
  void theWorstChannelIsNamed() {
    Random random = new Random(SEED);
    List<double[]> batches = new ArrayList<>();
    for (int b = 0; b < 20; b++) {
      double[] values = new double[60];
      for (int i = 0; i < 60; i++) {
        double drift = i % 3 == 1 ? 2.0 * b : i % 3 == 2 ? b : 0;
        values[i] = drift + random.nextGaussian();
      }
      batches.add(values);
    }
    LayerMoments layer = Layers.layer(List.of(PAPER), 3, batches);
    MiniBatchSpread spread = MiniBatchSpread.beyondChance(layer).orElseThrow();
    assertThat(spread.channel()).isEqualTo(1);
    assertThat(spread.channels()).isEqualTo(2);
    assertThat(spread.paper()).isBetween(0.7, 1.3);
    assertThat(spread.pooledUnbiased()).isEqualTo(layer.pooled().unbiasedVariance(1));
  }

  /** Small for certain: a mean that moves by a tenth of the deviation costs 1 % of the variance. */
  @Test
  void aSmallPartDoesNotMatter() {
    Random random = new Random(SEED);
    List<double[]> batches = new ArrayList<>();
    for (int b = 0; b < 10; b++) {
      double[] values = new double[20_000];
      for (int i = 0; i < values.length; i++) {
        values[i] = (b % 2 == 0 ? 0.1 : -0.1) + random.nextGaussian();
      }
      batches.add(values);
    }
    assertQuiet(Layers.layer(List.of(PAPER), 1, batches), "a small part");
  }

  @Test
  void whatHasNoVarianceBetweenMiniBatchesIsQuiet() {
    assertThat(MiniBatchSpread.beyondChance(Layers.pooled(1, 1, 2, 300))).isEmpty();
    assertQuiet(Layers.layer(List.of(PAPER), 1, List.of(new double[] {1, 2, 3})), "one");
    assertQuiet(Layers.layer(List.of(PAPER), 1, List.of()), "none");
    List<double[]> constant = Collections.nCopies(50, new double[] {7, 7, 7, 7, 7});
    assertQuiet(Layers.layer(List.of(PAPER), 1, constant), "constant");
    double infinite = Double.MAX_VALUE;
    List<double[]> huge = Collections.nCopies(50, new double[] {infinite, -infinite});
    assertQuiet(Layers.layer(List.of(PAPER), 1, huge), "beyond doubles");
  }
}
