package org.sparkbatchnorm.kernel;

/**
 * The parameters that the elements of an array have one after the other, where they change too
 * often to be taken run by run: those of a period, from its first place on again after its last.
 * Immutable.
 *
 * <p>A period of 3 channels is repeated until whole tiles fill it, if that makes it no longer than
 * {@value #LONGEST_REPEATED}. Behind it the parameters go on, so that a vector can be read from any
 * place.
 */
final class ChannelCycle {
  /** A tile's parameters are read once for several periods, which are to stay in a cache. */
  private static final int LONGEST_REPEATED = 4096;

  /** Parameters by place: a period, and a vector more. */
  final ChannelParameters places;

  final int period;

  /** How many places a vector moves forward, modulo the period. */
  final int step;

  /** Whether whole tiles fill the period. */
  final boolean isTiled;

  /** Consecutive elements of a channel. */
  final int inner;

  private ChannelCycle(
      ChannelParameters places, int period, int lanes, boolean isTiled, int inner) {
    this.places = places;
    this.period = period;
    this.step = lanes % period;
    this.isTiled = isTiled;
    this.inner = inner;
  }

  /**
   * The cycle of an array with this many consecutive elements of a channel.
   *
   * @param parameters of at least one channel
   * @param lanes L
   */
  static ChannelCycle of(ChannelParameters parameters, int inner, int lanes) {
    ChannelParameters once = parameters.repeated(inner);
    int shortest = once.channels();
    int tile = NormalizationLoops.TILE_VECTORS * lanes;
    long whole = (long) shortest / gcd(shortest, tile) * tile;
    boolean isTiled = whole == shortest || whole <= LONGEST_REPEATED;
    int period = isTiled ? (int) whole : shortest;
    return new ChannelCycle(once.cycled(period + lanes), period, lanes, isTiled, inner);
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  /** Whether so many consecutive elements of a channel make a cycle that is worth its tables. */
  static boolean isWorth(int channels, long inner, int lanes) {
    return inner == 1 || (inner < 2L * lanes && channels * inner <= LONGEST_REPEATED);
  }
}
