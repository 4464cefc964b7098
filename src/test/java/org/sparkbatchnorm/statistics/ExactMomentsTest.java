package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.tensor.DType;

class ExactMomentsTest extends MomentsContractTest {
  private static final long SEED = 1_505_05571;

  @Override
  Accumulation accumulation() {
    return Accumulation.EXACT;
  }

  /** However many merges: nothing is rounded before the end. */
  @Override
  void assertNear(ChannelMoments state, int channel, MomentsOracle exact, int merges) {
    exact.assertNear(state, channel, 1);
  }

  @Test
  void groupsOfMergesAreTheSameToTheBit() {
    Random random = new Random(SEED);
    ChannelMoments a = of(1, Blocks.channel(random.doubles(100, -1e10, 1e10).toArray()));
    ChannelMoments b = of(1, Blocks.channel(random.doubles(100, -1e-10, 1e-10).toArray()));
    ChannelMoments c = of(1, Blocks.channel(1e300, -1e-300, Double.NaN));
    assertThat(a.merge(b).merge(c)).as("seed %d", SEED).isEqualTo(c.merge(a).merge(b));
    assertThat(a.merge(b.merge(c))).isEqualTo(b.merge(c.merge(a)));
  }

  /** 1 + 2^-53 is halfway between two doubles, and below the middle of two floats. */
  @Test
  void statisticsAreRoundedOnceToTheTypeAskedFor() {
    ChannelMoments moments = of(1, Blocks.channel(1 + 0x1p-24, 1 + 0x1p-24 + 0x1p-52));
    // Exact mean 1 + 2^-24 + 2^-53: above the middle of 1 and 1 + 2^-23, but its double is on it.
    assertThat(moments.mean(0, DType.F64)).isEqualTo(1 + 0x1p-24);
    assertThat(moments.mean(0, DType.F32)).isEqualTo(1 + 0x1p-23);
    assertThat((double) (float) moments.mean(0, DType.F64)).isEqualTo(1);
  }

  @Test
  void crossesMachinesAsCanonicalBytes() throws IOException, ClassNotFoundException {
    ChannelMoments moments = of(1, Blocks.channel(0.1, -3e200, Double.NEGATIVE_INFINITY));
    ChannelMoments read = Serialized.copy(moments);
    assertThat(read).isEqualTo(moments);
    assertThat(read.canonicalBytes().orElseThrow())
        .isEqualTo(moments.canonicalBytes().orElseThrow());
    assertThat(read.nonFinite()).isEqualTo(moments.nonFinite());
  }

  @Test
  void doesNotMergeWithAnotherRepresentation() {
    ChannelMoments welford = ChannelMoments.empty(1, Accumulation.WELFORD);
    assertThat(welford.canonicalBytes()).isEmpty();
    assertThatThrownBy(() -> empty(1).merge(welford))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("cannot merge exact and welford moments");
  }
}
