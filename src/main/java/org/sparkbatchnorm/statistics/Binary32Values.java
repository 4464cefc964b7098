package org.sparkbatchnorm.statistics;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Half;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Values of f32, f16 and bf16, as the bytes of floats in the machine's order: f32 in an array of
 * that order are read where they are. What no loop takes goes to {@link ExponentBuckets}.
 */
final class Binary32Values extends LaneValues {
  /** 256 KiB: room for some rows of many channels, and still in a second-level cache. */
  private static final int CAPACITY = 65_536;

  /** 16 KiB of floats: with what they are widened from, half of a first-level cache. */
  private static final int HALVES = 4_096;

  /** Loops read beyond the last value. */
  private static final int SLACK = 64;

  private static final int INFINITY = 0x7f800000;
  private static final int SIGNIFICAND = 0x7fffff;
  private static final int HIDDEN_BIT = SIGNIFICAND + 1;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final VarHandle FLOAT = MethodHandles.byteArrayViewVarHandle(float[].class, ORDER);

  private final CertifiedLoops loops;
  private final ExponentBuckets buckets;
  private final DType dtype;
  private final byte[] copies = new byte[Float.BYTES * (CAPACITY + SLACK)];
  private final FloatBuffer copiedFloats = ByteBuffer.wrap(copies).order(ORDER).asFloatBuffer();
  private final IntBuffer copiedBits = ByteBuffer.wrap(copies).order(ORDER).asIntBuffer();
  private final short[] halves;
  private final double[] energies;

  /** Where the values are: {@link #copies}, or the block's own array. */
  private byte[] values = copies;

  /** The byte of the array at which its first value begins. */
  private int origin;

  private IntBuffer bitsOfValues = copiedBits;
  private int[] bits = new int[0];
  private ByteBuffer block;
  private FloatBuffer floats;
  private ShortBuffer shorts;

  Binary32Values(
      DType dtype,
      CertifiedLoops loops,
      ExponentBuckets buckets,
      NonFiniteCounts nonFinite,
      PendingCounts counts) {
    super(loops.lanes(), nonFinite, counts);
    this.dtype = dtype;
    this.loops = loops;
    this.buckets = buckets;
    halves = new short[dtype == DType.F32 ? 0 : CAPACITY];
    energies = new double[loops.lanes()];
  }

  @Override
  int capacity() {
    return CAPACITY;
  }

  @Override
  int part() {
    return dtype == DType.F32 ? Integer.MAX_VALUE : HALVES;
  }

  @Override
  int width() {
    return Float.BYTES;
  }

  /** 126 squares below 2^256. */
  @Override
  int maxScale() {
    return 132;
  }

  /** The narrow loop then resolves 2^-149. */
  @Override
  int minScale() {
    return -101;
  }

  /** Finite binary16 are multiples of 2^-24 below 2^16: their first window fits all. */
  @Override
  int startScale() {
    return dtype == DType.F16 ? 24 : -101;
  }

  @Override
  LaneLevels levels() {
    return LaneLevels.BINARY32;
  }

  @Override
  int firstBits() {
    return LaneSums.NARROW_BITS;
  }

  @Override
  int secondBits() {
    return LaneLevels.BINARY32.restBits;
  }

  @Override
  void begin(TensorBlock next) {
    firstNonFinite = -1;
    block = next.bytes().slice().order(next.bytes().order());
    if (dtype == DType.F32) {
      floats = block.asFloatBuffer();
    } else {
      shorts = block.asShortBuffer();
    }
    useCopies();
  }

  private void useCopies() {
    values = copies;
    origin = 0;
    bitsOfValues = copiedBits;
  }

  @Override
  int next(int most, int unit) {
    if (dtype == DType.F32 && block.order() == ORDER && block.hasArray()) {
      int at = block.arrayOffset() + Float.BYTES * floats.position();
      int readable = (block.array().length - at) / Float.BYTES - (lanes() - 1);
      int count = Math.min(most, readable) / unit * unit;
      if (count > 0) {
        values = block.array();
        origin = at;
        bitsOfValues = ByteBuffer.wrap(values, at, Float.BYTES * count).order(ORDER).asIntBuffer();
        floats.position(floats.position() + count);
        return count;
      }
    }
    int count = Math.min(most, CAPACITY) / unit * unit;
    load(0, count);
    return count;
  }

  @Override
  void load(int index, int count) {
    useCopies();
    if (dtype == DType.F32) {
      copiedFloats.position(index).put(floats.slice(floats.position(), count));
      floats.position(floats.position() + count);
      return;
    }
    shorts.get(halves, 0, count);
    if (dtype == DType.BF16) {
      loops.ofBfloat16(halves, copies, index, count);
    } else if (!loops.ofBinary16(halves, copies, index, count)) {
      for (int i = 0; i < count; i++) {
        FLOAT.set(copies, Float.BYTES * (index + i), Half.ofBinary16(halves[i]));
      }
    }
  }

  @Override
  void clear(int from, int to) {
    Arrays.fill(copies, Float.BYTES * from, Float.BYTES * to, (byte) 0);
  }

  @Override
  int first(Piece piece, LaneSums sums) {
    return loops.narrow(values, origin, piece, sums);
  }

  @Override
  int second(Piece piece, LaneSums sums) {
    return loops.wide(values, origin, piece, sums);
  }

  @Override
  int collect(Piece piece) {
    int n = length(piece);
    if (bits.length < n) {
      bits = new int[n];
    }
    if (piece.stride == lanes()) {
      bitsOfValues.get(piece.base, bits, 0, n);
    } else {
      for (int from = 0, at = piece.base; from < n; from += lanes(), at += piece.stride) {
        bitsOfValues.get(at, bits, from, Math.min(lanes(), n - from));
      }
    }
    return n;
  }

  @Override
  boolean measure(Piece piece) {
    int n = collect(piece);
    int largest = 0;
    lowestBit = Integer.MAX_VALUE;
    Arrays.fill(energies, 0);
    for (int i = 0; i < n; i++) {
      int magnitude = bits[i] & ~Integer.MIN_VALUE;
      if (magnitude != 0) {
        largest = Math.max(largest, magnitude);
        lowestBit = Math.min(lowestBit, lowestBit(magnitude));
        double value = Float.intBitsToFloat(magnitude);
        energies[i % lanes()] += value * value;
      }
    }
    leastScale = leastScale(energies);
    return largest < INFINITY;
  }

  private static int lowestBit(int magnitude) {
    int significand = magnitude < HIDDEN_BIT ? magnitude : (magnitude & SIGNIFICAND) | HIDDEN_BIT;
    return Math.max(magnitude >>> 23, 1) - 150 + Integer.numberOfTrailingZeros(significand);
  }

  @Override
  boolean addCollected(int channel, int from, int to, int stride) {
    return buckets.add(channel, bits, from, to, stride);
  }

  @Override
  double collected(int index) {
    return Float.intBitsToFloat(bits[index]);
  }
}
