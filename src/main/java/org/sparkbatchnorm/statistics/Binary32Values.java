package org.sparkbatchnorm.statistics;

import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/** Values of f32, f16 and bf16, as floats. What no loop takes goes to {@link ExponentBuckets}. */
final class Binary32Values extends LaneValues {
  /** 256 KiB: room for some rows of many channels, and still in a second-level cache. */
  private static final int CAPACITY = 65_536;

  /** Loops read beyond the last value. */
  private static final int SLACK = 64;

  private static final int INFINITY = 0x7f800000;
  private static final int SIGNIFICAND = 0x7fffff;
  private static final int HIDDEN_BIT = SIGNIFICAND + 1;

  /** The bits of 2^16: no binary16 that is finite is as large. */
  private static final int BEYOND_BINARY16 = 0x47800000;

  private final CertifiedLoops loops;
  private final ExponentBuckets buckets;
  private final NonFiniteCounts nonFinite;
  private final PendingCounts counts;
  private final DType dtype;
  private final float[] values = new float[CAPACITY + SLACK];
  private final short[] halves;
  private int[] bits = new int[0];
  private FloatBuffer floats;
  private ShortBuffer shorts;

  Binary32Values(
      DType dtype,
      CertifiedLoops loops,
      ExponentBuckets buckets,
      NonFiniteCounts nonFinite,
      PendingCounts counts) {
    this.dtype = dtype;
    this.loops = loops;
    this.buckets = buckets;
    this.nonFinite = nonFinite;
    this.counts = counts;
    halves = new short[dtype == DType.F32 ? 0 : CAPACITY];
  }

  @Override
  int capacity() {
    return CAPACITY;
  }

  @Override
  int width() {
    return Float.BYTES;
  }

  @Override
  int maxTop() {
    return dtype == DType.F16 ? 15 : 127;
  }

  @Override
  int minTop() {
    return -149;
  }

  /** A binary16 is a multiple of 2^-24 below 2^16: its first window fits all. */
  @Override
  int startTop() {
    return dtype == DType.F16 ? 15 : -126;
  }

  @Override
  int firstBits() {
    return LaneSums.NARROW_BITS;
  }

  @Override
  int secondBits() {
    return LaneSums.WIDE_BITS;
  }

  @Override
  int restsPerWideStep() {
    return 1;
  }

  @Override
  void begin(TensorBlock block) {
    firstNonFinite = -1;
    var bytes = block.bytes().slice().order(block.bytes().order());
    if (dtype == DType.F32) {
      floats = bytes.asFloatBuffer();
    } else {
      shorts = bytes.asShortBuffer();
    }
  }

  @Override
  void load(int index, int count) {
    switch (dtype) {
      case F32 -> floats.get(values, index, count);
      case F16 -> {
        shorts.get(halves, 0, count);
        loops.ofBinary16(halves, values, index, count);
      }
      default -> {
        shorts.get(halves, 0, count);
        loops.ofBfloat16(halves, values, index, count);
      }
    }
  }

  @Override
  void clear(int from, int to) {
    Arrays.fill(values, from, to, 0);
  }

  @Override
  int first(Piece piece, LaneSums sums) {
    return loops.narrow(values, piece, sums);
  }

  @Override
  int second(Piece piece, LaneSums sums) {
    return loops.wide(values, piece, sums);
  }

  /** The piece's values one after the other in {@link #bits}, and how many they are. */
  private int collect(Piece piece) {
    int lanes = loops.lanes();
    int n = (piece.steps - 1) * lanes + piece.tail;
    if (bits.length < n) {
      bits = new int[n];
    }
    if (piece.stride == lanes) {
      copyBits(piece.base, 0, n);
    } else {
      for (int from = 0, at = piece.base; from < n; from += lanes, at += piece.stride) {
        copyBits(at, from, Math.min(lanes, n - from));
      }
    }
    if (dtype == DType.F16) {
      for (int i = 0; i < n; i++) {
        if ((bits[i] & ~Integer.MIN_VALUE) >= BEYOND_BINARY16) {
          bits[i] |= INFINITY;
        }
      }
    }
    return n;
  }

  private void copyBits(int at, int to, int count) {
    for (int i = 0; i < count; i++) {
      bits[to + i] = Float.floatToRawIntBits(values[at + i]);
    }
  }

  @Override
  boolean measure(Piece piece) {
    int n = collect(piece);
    int largest = 0;
    lowest = Integer.MAX_VALUE;
    for (int i = 0; i < n; i++) {
      int magnitude = bits[i] & ~Integer.MIN_VALUE;
      if (magnitude != 0) {
        largest = Math.max(largest, magnitude);
        lowest = Math.min(lowest, lowestBit(magnitude));
      }
    }
    highest = exponent(largest) + 31 - Integer.numberOfLeadingZeros(significand(largest));
    return largest < INFINITY;
  }

  private static int lowestBit(int magnitude) {
    return exponent(magnitude) + Integer.numberOfTrailingZeros(significand(magnitude));
  }

  private static int exponent(int magnitude) {
    return Math.max(magnitude >>> 23, 1) - 150;
  }

  private static int significand(int magnitude) {
    return magnitude < HIDDEN_BIT ? magnitude : (magnitude & SIGNIFICAND) | HIDDEN_BIT;
  }

  @Override
  void addElsewhere(Piece piece, LaneLayout layout) {
    int n = collect(piece);
    if (layout.isByRows()) {
      addElsewhere(piece, piece.slot, 0, n, 1);
    } else {
      for (int lane = 0; lane < loops.lanes(); lane++) {
        addElsewhere(piece, layout.channel(piece.slot, lane), lane, n, loops.lanes());
      }
    }
  }

  private void addElsewhere(Piece piece, int channel, int from, int to, int stride) {
    if (!buckets.add(channel, bits, from, to, stride)) {
      for (int i = from; i < to; i += stride) {
        float value = Float.intBitsToFloat(bits[i]);
        if (!Float.isFinite(value)) {
          nonFinite.count(channel, value);
          counts.add(channel, -1);
          int index = piece.base + i / loops.lanes() * piece.stride + i % loops.lanes();
          firstNonFinite = firstNonFinite < 0 ? index : Math.min(firstNonFinite, index);
        }
      }
    }
  }
}
