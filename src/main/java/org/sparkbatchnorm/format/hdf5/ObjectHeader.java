package org.sparkbatchnorm.format.hdf5;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * The messages that describe one group or dataset (spec, section IV.A): versions 1 and 2, with
 * their continuations elsewhere in the file.
 */
final class ObjectHeader {
  static final int DATASPACE = 0x01;
  static final int LINK_INFO = 0x02;
  static final int DATATYPE = 0x03;
  static final int LINK = 0x06;
  static final int EXTERNAL_FILES = 0x07;
  static final int LAYOUT = 0x08;
  static final int ATTRIBUTE = 0x0c;
  static final int SYMBOL_TABLE = 0x11;
  static final int ATTRIBUTE_INFO = 0x15;

  private static final int CONTINUATION = 0x10;
  private static final int LAST_KNOWN = 0x18;

  private static final String WHAT = "object header";
  private static final String CONTINUED = "object header continuation";
  private static final String SIGNATURE = "OHDR";
  private static final String CONTINUED_SIGNATURE = "OCHK";
  private static final int PREFIX_BYTES = 16;
  private static final int MESSAGE_BYTES = 8;
  private static final int CHECKSUM_BYTES = 4;

  /** Of version 2, with all optional fields: signature to the size of the messages. */
  private static final int LONGEST_PREFIX = 34;

  private static final int SHARED = 1 << 1;
  private static final int FAIL_IF_UNKNOWN = 1 << 7;

  private static final int CREATION_ORDER = 1 << 2;
  private static final int PHASE_CHANGE = 1 << 4;
  private static final int TIMES = 1 << 5;

  private final Structures file;
  private final List<Message> messages = new ArrayList<>();
  private final Deque<Fields> continuations = new ArrayDeque<>();

  private record Message(int type, Fields body) {}

  private ObjectHeader(Structures file) {
    this.file = file;
  }

  /** Reads the header at an address. */
  static ObjectHeader read(Structures file, long address) throws IOException {
    ObjectHeader header = new ObjectHeader(file);
    Fields prefix = file.peek(WHAT, address, LONGEST_PREFIX);
    if (prefix.from(0).u8() == SIGNATURE.charAt(0)) {
      header.readVersion2(prefix, address);
    } else {
      header.readVersion1(address);
    }
    return header;
  }

  private void readVersion1(long address) throws IOException {
    Fields prefix = file.read(WHAT, address, PREFIX_BYTES);
    prefix.requireVersion(1);
    prefix.skip(1);
    final int count = prefix.u16();
    prefix.u32();
    long bytes = prefix.u32();
    int read = readMessages1(file.read(WHAT, address + PREFIX_BYTES, bytes), count);
    while (read < count && !continuations.isEmpty()) {
      Fields place = continuations.remove();
      Fields block = file.read(CONTINUED, place.address(), place.length());
      read += readMessages1(block, count - read);
    }
    if (read < count || !continuations.isEmpty()) {
      throw prefix.malformed(
          "HDF5_INVALID", WHAT + " of " + count + " messages, but it holds " + read);
    }
  }

  private int readMessages1(Fields block, int most) throws MalformedFileException {
    int read = 0;
    while (read < most && block.remaining() > 0) {
      final int type = block.u16();
      final int bytes = block.u16();
      final int flags = block.u8();
      block.skip(3);
      add(type, flags, block.take(bytes));
      read++;
    }
    return read;
  }

  private void readVersion2(Fields prefix, long address) throws IOException {
    prefix.requireSignature(SIGNATURE);
    prefix.requireVersion(2);
    final int flags = prefix.u8();
    prefix.skip(
        ((flags & TIMES) == 0 ? 0 : 4 * Integer.BYTES)
            + ((flags & PHASE_CHANGE) == 0 ? 0 : 2 * Short.BYTES));
    final long bytes = prefix.number(1 << (flags & 0b11));
    final long prefixBytes = prefix.offset() - file.offset(WHAT, address, 0);
    if (bytes > Limits.STRUCTURE_BYTES) {
      throw prefix.malformed("HDF5_TOO_LARGE", WHAT + " of " + bytes + " bytes");
    }
    Fields block = file.read(WHAT, address, prefixBytes + bytes + CHECKSUM_BYTES);
    Lookup3.verify(WHAT, block);
    block.skip((int) prefixBytes);
    readMessages2(block.take(bytes), flags);
    while (!continuations.isEmpty()) {
      Fields place = continuations.remove();
      Fields more = file.read(CONTINUED, place.address(), place.length());
      Lookup3.verify(CONTINUED, more);
      more.requireSignature(CONTINUED_SIGNATURE);
      readMessages2(more.take(more.remaining() - CHECKSUM_BYTES), flags);
    }
  }

  private void readMessages2(Fields block, int headerFlags) throws MalformedFileException {
    int orderBytes = (headerFlags & CREATION_ORDER) == 0 ? 0 : Short.BYTES;
    // What is too short for a message is a gap.
    while (block.remaining() >= MESSAGE_BYTES / 2 + orderBytes) {
      final int type = block.u8();
      final int bytes = block.u16();
      final int flags = block.u8();
      block.skip(orderBytes);
      add(type, flags, block.take(bytes));
    }
  }

  private void add(int type, int flags, Fields body) throws MalformedFileException {
    if (messages.size() == Limits.MESSAGES) {
      throw body.malformed("HDF5_TOO_LARGE", "more than " + Limits.MESSAGES + " messages");
    }
    if (type > LAST_KNOWN && (flags & FAIL_IF_UNKNOWN) != 0) {
      throw body.malformed("HDF5_UNSUPPORTED", "a message of unknown type " + type);
    }
    if (type == CONTINUATION) {
      continuations.add(body);
    }
    boolean shared = (flags & SHARED) != 0;
    if (shared && (type == DATASPACE || type == DATATYPE || type == ATTRIBUTE)) {
      throw body.malformed(
          "HDF5_UNSUPPORTED",
          "a message of type " + type + " that is kept elsewhere, for several objects");
    }
    messages.add(new Message(type, body));
  }

  /** Whether there is a message of this type. */
  boolean has(int type) {
    return messages.stream().anyMatch(message -> message.type == type);
  }

  /** The message of this type, of which there may be one. */
  Optional<Fields> only(int type) throws MalformedFileException {
    List<Fields> found = all(type);
    if (found.size() > 1) {
      throw found.get(1).malformed("HDF5_INVALID", "a second message of type " + type);
    }
    return found.stream().findFirst();
  }

  /** The messages of this type. */
  List<Fields> all(int type) {
    return messages.stream().filter(message -> message.type == type).map(Message::body).toList();
  }
}
