package org.sparkbatchnorm.statistics;

import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Optional;
import org.sparkbatchnorm.tensor.DType;

/**
 * {@link ExactSums} as immutable moments: merging is integer addition, and every statistic is
 * rounded once, from exact arithmetic, to the type asked for.
 */
final class ExactMoments extends ChannelMoments {
  private static final long serialVersionUID = 1L;

  private final transient ExactSums sums;
  private final transient RoundedMoments rounded;
  private final transient NonFiniteCounts nonFinite;

  /** Takes ownership. */
  ExactMoments(ExactSums sums, NonFiniteCounts nonFinite) {
    this.sums = sums;
    this.rounded = new RoundedMoments(sums);
    this.nonFinite = nonFinite;
  }

  static ExactMoments none(int channels) {
    return new ExactMoments(ExactSums.forChannels(channels), NonFiniteCounts.none(channels));
  }

  @Override
  public int channels() {
    return sums.channels();
  }

  @Override
  public long count(int channel) {
    return sums.count(channel);
  }

  @Override
  public double mean(int channel, DType target) {
    return rounded.mean(channel, target);
  }

  @Override
  public double biasedVariance(int channel, DType target) {
    return rounded.biasedVariance(channel, target);
  }

  @Override
  public double unbiasedVariance(int channel, DType target) {
    return rounded.unbiasedVariance(channel, target);
  }

  @Override
  public boolean isConstant(int channel) {
    return rounded.isConstant(channel);
  }

  @Override
  public NonFiniteCounts nonFinite() {
    return nonFinite;
  }

  @Override
  public Accumulation accumulation() {
    return Accumulation.EXACT;
  }

  @Override
  public Optional<byte[]> canonicalBytes() {
    return Optional.of(encoded());
  }

  private byte[] encoded() {
    return CanonicalBytes.of(new ExactState(sums, nonFinite));
  }

  @Override
  public ExactMoments merge(ChannelMoments other) {
    requireMergeable(other);
    ExactMoments that = (ExactMoments) other;
    ExactSums merged = sums.copy();
    merged.merge(that.sums);
    return new ExactMoments(merged, nonFinite.plus(that.nonFinite));
  }

  /** Whether both counted the same values. */
  @Override
  public boolean equals(Object other) {
    return other instanceof ExactMoments that && Arrays.equals(encoded(), that.encoded());
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(encoded());
  }

  /** Canonical bytes cross between machines, not an object graph. */
  private Object writeReplace() {
    return new Encoded(encoded());
  }

  private void readObject(ObjectInputStream in) throws InvalidObjectException {
    throw new InvalidObjectException("exact moments are read from canonical bytes");
  }

  private static final class Encoded implements Serializable {
    private static final long serialVersionUID = 1L;

    private final byte[] canonicalBytes;

    Encoded(byte[] canonicalBytes) {
      this.canonicalBytes = canonicalBytes;
    }

    private Object readResolve() throws InvalidObjectException {
      try {
        ExactState state = CanonicalReader.read(canonicalBytes);
        return new ExactMoments(state.sums(), state.nonFinite());
      } catch (MalformedStateException e) {
        InvalidObjectException failure = new InvalidObjectException(e.getMessage());
        failure.initCause(e);
        throw failure;
      }
    }
  }
}
