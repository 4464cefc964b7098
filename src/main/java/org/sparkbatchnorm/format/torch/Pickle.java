package org.sparkbatchnorm.format.torch;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.torch.PickleNode.Call;
import org.sparkbatchnorm.format.torch.PickleNode.Dict;
import org.sparkbatchnorm.format.torch.PickleNode.Global;
import org.sparkbatchnorm.format.torch.PickleNode.Persistent;
import org.sparkbatchnorm.format.torch.PickleNode.Scalar;
import org.sparkbatchnorm.format.torch.PickleNode.Text;
import org.sparkbatchnorm.format.torch.PickleNode.Tuple;
import org.sparkbatchnorm.format.torch.PickleNode.Whole;

/**
 * Walks through the opcodes of a pickle, protocols 2 to 5, and keeps what they describe. No name is
 * looked up, nothing is called, nothing is constructed but nodes, and those are limited: so a
 * pickle that would run something when loaded is as harmless as any other. Use once.
 *
 * <p>Opcodes as in Python's {@code pickletools}; those of protocols 0 and 1 alone, of extension
 * registries and of buffers outside the pickle are not known, because {@code torch.save} writes
 * none.
 */
final class Pickle {
  /** Of a text that may be a name; longer ones are passed over. */
  static final int LONGEST_NAME = 1 << 16;

  private final PickleBytes bytes;
  private final PickleStack stack;
  private final Map<String, Integer> storageUses = new HashMap<>();

  /** The pickle that fills this range of a file. */
  Pickle(ReadableBytes file, long offset, long end) {
    this.bytes = new PickleBytes(file, offset, end);
    this.stack = new PickleStack(bytes);
  }

  /**
   * Reads it to its end.
   *
   * @return the value described
   * @throws MalformedFileException PICKLE_OPCODE: an opcode that is not known or truncated, one
   *     that finds not what it needs on the stack or in the memo, values nested deeper than 1,000,
   *     or bytes after the end; PICKLE_TOO_LARGE: more than is kept
   */
  PickleNode read() throws IOException {
    if (bytes.unsigned8() != Opcode.PROTO) {
      throw bytes.malformed("the pickle does not begin with its protocol");
    }
    int protocol = bytes.unsigned8();
    if (protocol < 2 || protocol > 5) {
      throw bytes.malformed("protocol " + protocol + ", expected 2 to 5");
    }
    for (int opcode = bytes.unsigned8(); opcode != Opcode.STOP; opcode = bytes.unsigned8()) {
      if (!scalar(opcode) && !container(opcode)) {
        other(opcode);
      }
    }
    if (bytes.remaining() > 0 || !stack.isSingle()) {
      throw bytes.malformed("the pickle ends with more than its value");
    }
    return stack.pop();
  }

  /** How many tensors, or other things, use the storage of this key. */
  int storageUses(String key) {
    return storageUses.getOrDefault(key, 0);
  }

  private boolean scalar(int opcode) throws IOException {
    switch (opcode) {
      case Opcode.NONE, Opcode.NEWTRUE, Opcode.NEWFALSE -> stack.push(Scalar.PLAIN);
      case Opcode.BINFLOAT -> skipped(Double.BYTES);
      case Opcode.BININT -> stack.push(Whole.of(bytes.signed(Integer.BYTES)));
      case Opcode.BININT1 -> stack.push(Whole.of(bytes.unsigned8()));
      case Opcode.BININT2 -> stack.push(Whole.of(bytes.unsigned(Short.BYTES)));
      case Opcode.LONG1 -> integer(bytes.unsigned8());
      case Opcode.LONG4 -> integer(bytes.signed(Integer.BYTES));
      case Opcode.SHORT_BINUNICODE, Opcode.SHORT_BINSTRING -> text(bytes.unsigned8());
      case Opcode.BINUNICODE -> text(bytes.unsigned(Integer.BYTES));
      case Opcode.BINSTRING -> text(bytes.signed(Integer.BYTES));
      case Opcode.BINUNICODE8 -> text(bytes.unsigned(Long.BYTES));
      case Opcode.SHORT_BINBYTES -> skipped(bytes.unsigned8());
      case Opcode.BINBYTES -> skipped(bytes.unsigned(Integer.BYTES));
      case Opcode.BINBYTES8, Opcode.BYTEARRAY8 -> skipped(bytes.unsigned(Long.BYTES));
      case Opcode.GLOBAL -> {
        long offset = bytes.offset();
        String module = bytes.line();
        String name = bytes.line();
        stack.countText(module.length() + name.length());
        stack.pushNew(new Global(module, name, offset));
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean container(int opcode) throws IOException {
    switch (opcode) {
      case Opcode.EMPTY_TUPLE -> stack.push(Tuple.EMPTY);
      case Opcode.TUPLE1 -> tuple(1);
      case Opcode.TUPLE2 -> tuple(2);
      case Opcode.TUPLE3 -> tuple(3);
      case Opcode.TUPLE -> tuple(stack.popMark());
      case Opcode.EMPTY_LIST, Opcode.EMPTY_SET -> stack.pushNew(new PickleNode.Collection());
      case Opcode.LIST, Opcode.FROZENSET -> {
        PickleNode collection = new PickleNode.Collection();
        stack.popMark().forEach(collection::hold);
        stack.pushNew(collection);
      }
      case Opcode.APPEND -> {
        PickleNode item = stack.pop();
        hold(stack.top(), List.of(item));
      }
      case Opcode.APPENDS, Opcode.ADDITEMS -> {
        PickleNode target = stack.belowMark();
        hold(target, stack.popMark());
      }
      case Opcode.EMPTY_DICT -> stack.pushNew(new Dict());
      case Opcode.DICT -> {
        Dict dict = new Dict();
        put(dict, stack.popMark());
        stack.pushNew(dict);
      }
      case Opcode.SETITEM -> {
        PickleNode value = stack.pop();
        PickleNode key = stack.pop();
        put(stack.top(), List.of(key, value));
      }
      case Opcode.SETITEMS -> {
        PickleNode target = stack.belowMark();
        put(target, stack.popMark());
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private void other(int opcode) throws IOException {
    switch (opcode) {
      case Opcode.MARK -> stack.mark();
      case Opcode.POP -> {
        if (stack.isAtMark()) {
          stack.popMark();
        } else {
          stack.pop();
        }
      }
      case Opcode.POP_MARK -> stack.popMark();
      case Opcode.DUP -> {
        PickleNode top = stack.top();
        top.get();
        stack.push(top);
      }
      case Opcode.BINGET -> stack.pushMemo(bytes.unsigned8());
      case Opcode.LONG_BINGET -> stack.pushMemo(bytes.unsigned(Integer.BYTES));
      case Opcode.BINPUT -> stack.memoize(bytes.unsigned8());
      case Opcode.LONG_BINPUT -> stack.memoize(bytes.unsigned(Integer.BYTES));
      case Opcode.MEMOIZE -> stack.memoizeNext();
      case Opcode.FRAME -> bytes.require(bytes.unsigned(Long.BYTES));
      case Opcode.STACK_GLOBAL -> {
        PickleNode name = stack.pop();
        PickleNode module = stack.pop();
        if (!(name instanceof Text nameText) || !(module instanceof Text moduleText)) {
          throw bytes.malformed("a global whose module and name are no texts");
        }
        stack.pushNew(new Global(moduleText.text(), nameText.text(), bytes.offset()));
      }
      case Opcode.REDUCE, Opcode.NEWOBJ -> {
        PickleNode arguments = stack.pop();
        call(stack.pop(), arguments);
      }
      case Opcode.NEWOBJ_EX -> {
        PickleNode named = stack.pop();
        PickleNode arguments = stack.pop();
        call(stack.pop(), new Tuple(List.of(arguments, named)));
      }
      case Opcode.BUILD -> {
        PickleNode state = stack.pop();
        hold(stack.top(), List.of(state));
      }
      case Opcode.BINPERSID -> persistent(stack.pop());
      default ->
          throw bytes.malformed(
              String.format("opcode 0x%02x is not known, or not of protocols 2 to 5", opcode));
    }
  }

  private void skipped(long length) throws IOException {
    bytes.skip(length);
    stack.push(Scalar.PLAIN);
  }

  private void integer(long length) throws IOException {
    if (length < 1 || length > Long.BYTES) {
      skipped(length);
    } else {
      stack.push(Whole.of(bytes.signed((int) length)));
    }
  }

  private void text(long length) throws IOException {
    if (length < 0 || length > LONGEST_NAME) {
      bytes.skip(length);
      stack.push(Scalar.LONG_TEXT);
      return;
    }
    stack.countText(length);
    // Python writes lone surrogates; no name has them.
    stack.pushNew(bytes.text((int) length).<PickleNode>map(Text::new).orElse(Scalar.PLAIN));
  }

  private void tuple(int length) throws MalformedFileException {
    PickleNode[] items = new PickleNode[length];
    for (int i = length - 1; i >= 0; i--) {
      items[i] = stack.pop();
    }
    tuple(List.of(items));
  }

  private void tuple(List<PickleNode> items) throws MalformedFileException {
    stack.count(items.size());
    stack.pushNew(new Tuple(items));
  }

  private void call(PickleNode function, PickleNode arguments) throws MalformedFileException {
    stack.pushNew(new Call(function, arguments, bytes.offset()));
  }

  private void persistent(PickleNode id) throws MalformedFileException {
    Persistent persistent = new Persistent(id);
    persistent.storageKey().ifPresent(key -> storageUses.merge(key, 1, Integer::sum));
    stack.pushNew(persistent);
  }

  /** Puts something into a list or set, or on an object. */
  private void hold(PickleNode target, List<PickleNode> held) throws MalformedFileException {
    if (!(target instanceof PickleNode.Collection || target instanceof Call)) {
      throw bytes.malformed("a value is put into what is no container");
    }
    held.forEach(target::hold);
    stack.requireModestDepth(target);
  }

  private void put(PickleNode target, List<PickleNode> items) throws MalformedFileException {
    if (items.size() % 2 != 0) {
      throw bytes.malformed("a key without a value");
    }
    stack.count(items.size());
    for (int i = 0; i < items.size(); i += 2) {
      if (target instanceof Dict dict) {
        dict.put(items.get(i), items.get(i + 1));
      } else if (target instanceof Call call) {
        call.put(items.get(i), items.get(i + 1));
      } else {
        throw bytes.malformed("an item is set on what has none");
      }
    }
    stack.requireModestDepth(target);
  }
}
