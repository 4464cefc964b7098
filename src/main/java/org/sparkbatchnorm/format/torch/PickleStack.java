package org.sparkbatchnorm.format.torch;

import java.util.Arrays;
import java.util.List;
import org.sparkbatchnorm.format.MalformedFileException;

/** What a pickle machine keeps: stack, marks and memo, and how much that is. All is limited. */
final class PickleStack {
  /** Of open containers, and of containers in containers. */
  static final int MAX_DEPTH = 1_000;

  /** Half a million items of one dict. */
  private static final int MAX_VALUES = 1 << 20;

  private static final int MAX_MEMO = 1 << 22;

  /** Some 70,000 tensors. */
  private static final int MAX_NODES = 1 << 21;

  private static final int MAX_TEXT_BYTES = 1 << 26;

  private final PickleBytes bytes;
  private final int[] marks = new int[MAX_DEPTH];
  private int openMarks;
  private PickleNode[] values = new PickleNode[64];
  private int size;
  private PickleNode[] memo = new PickleNode[64];
  private int memoized;
  private int nodes;
  private long textBytes;

  PickleStack(PickleBytes bytes) {
    this.bytes = bytes;
  }

  void push(PickleNode node) throws MalformedFileException {
    requireModestDepth(node);
    if (size == MAX_VALUES) {
      throw bytes.malformed("PICKLE_TOO_LARGE", "more than " + MAX_VALUES + " values on the stack");
    }
    if (size == values.length) {
      values = Arrays.copyOf(values, 2 * size);
    }
    values[size++] = node;
  }

  void pushNew(PickleNode node) throws MalformedFileException {
    count(1);
    push(node);
  }

  /** Counts what stays: values of their own, and places in tuples and dicts. */
  void count(int more) throws MalformedFileException {
    nodes += more;
    if (nodes > MAX_NODES) {
      throw bytes.malformed("PICKLE_TOO_LARGE", "more than " + MAX_NODES + " values");
    }
  }

  void countText(long length) throws MalformedFileException {
    textBytes += length;
    if (textBytes > MAX_TEXT_BYTES) {
      throw bytes.malformed("PICKLE_TOO_LARGE", "more than " + MAX_TEXT_BYTES + " bytes of text");
    }
  }

  /** Checks a node that was put into another, or had another put into it. */
  void requireModestDepth(PickleNode node) throws MalformedFileException {
    if (node.depth() > MAX_DEPTH) {
      throw bytes.malformed("values nested deeper than " + MAX_DEPTH);
    }
  }

  /** The top, above the last mark, which is taken off. */
  PickleNode pop() throws MalformedFileException {
    PickleNode top = top();
    values[--size] = null;
    return top;
  }

  /** The top, above the last mark, which stays. */
  PickleNode top() throws MalformedFileException {
    if (size == floor()) {
      throw bytes.malformed("a value is taken from the stack, but there is none");
    }
    return values[size - 1];
  }

  /** What stands under the values above the last mark. */
  PickleNode belowMark() throws MalformedFileException {
    requireMark();
    int mark = marks[openMarks - 1];
    int lower = openMarks > 1 ? marks[openMarks - 2] : 0;
    if (mark == lower) {
      throw bytes.malformed("a value is expected under the mark, but there is none");
    }
    return values[mark - 1];
  }

  /** Takes off the values above the last mark, and the mark. */
  List<PickleNode> popMark() throws MalformedFileException {
    requireMark();
    int mark = marks[--openMarks];
    List<PickleNode> above = Arrays.asList(Arrays.copyOfRange(values, mark, size));
    Arrays.fill(values, mark, size, null);
    size = mark;
    return above;
  }

  private void requireMark() throws MalformedFileException {
    if (openMarks == 0) {
      throw bytes.malformed("no mark on the stack");
    }
  }

  void mark() throws MalformedFileException {
    if (openMarks == MAX_DEPTH) {
      throw bytes.malformed("values nested deeper than " + MAX_DEPTH);
    }
    marks[openMarks++] = size;
  }

  /** Whether the last thing on the stack is a mark. */
  boolean isAtMark() {
    return openMarks > 0 && size == floor();
  }

  private int floor() {
    return openMarks > 0 ? marks[openMarks - 1] : 0;
  }

  /** Whether there is one value and nothing else. */
  boolean isSingle() {
    return size == 1 && openMarks == 0;
  }

  /** Notes the top under a number; numbers are given in turn, but for few that are left out. */
  void memoize(long index) throws MalformedFileException {
    if (index < 0 || index > 2L * memoized + memo.length) {
      throw bytes.malformed("memo " + index + " is written, but there are " + memoized);
    }
    if (index >= MAX_MEMO) {
      throw bytes.malformed("PICKLE_TOO_LARGE", "more than " + MAX_MEMO + " values in the memo");
    }
    if (index >= memo.length) {
      memo = Arrays.copyOf(memo, (int) Math.max(index + 1, 2L * memo.length));
    }
    if (memo[(int) index] == null) {
      memoized++;
    }
    memo[(int) index] = top();
  }

  /** Notes the top under the next number. */
  void memoizeNext() throws MalformedFileException {
    memoize(memoized);
  }

  /** Pushes what was noted under a number. */
  void pushMemo(long index) throws MalformedFileException {
    if (index < 0 || index >= memo.length || memo[(int) index] == null) {
      throw bytes.malformed("memo " + index + " is read, but was not written");
    }
    PickleNode node = memo[(int) index];
    node.get();
    push(node);
  }
}
