package org.sparkbatchnorm.format.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.zip.ZipWriter;

/** Every violation has its code and place; what a pickle would run is never run. */
class TorchHostileTest {
  private static TorchFile read(byte[] archive) throws IOException {
    return TorchFile.read(ReadableBytes.of(Pickler.NAME, archive), Optional.empty());
  }

  /** A dict whose one item, {@code t}, is this. */
  private static byte[] item(UnaryOperator<Pickler> value) {
    Pickler pickler = Pickler.protocol(2).raw("}").text("t");
    return value.apply(pickler).raw("s.").archive();
  }

  @ParameterizedTest(name = "{1} {2}")
  @MethodSource({"opcodes", "tensors", "records"})
  void isRejected(byte[] archive, String code, String reason) {
    assertThatThrownBy(() -> read(archive))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith(Pickler.NAME)
        .hasMessageEndingWith(": " + code + ": " + reason);
  }

  private static Arguments opcode(Pickler pickler, String reason) {
    return arguments(pickler.archive(), "PICKLE_OPCODE", reason);
  }

  static Stream<Arguments> opcodes() {
    String deep = "values nested deeper than 1000";
    String empty = "a value is taken from the stack, but there is none";
    return Stream.of(
        opcode(new Pickler(), "1 bytes expected, but only 0 are left"),
        opcode(new Pickler().raw("}."), "the pickle does not begin with its protocol"),
        opcode(Pickler.protocol(0), "protocol 0, expected 2 to 5"),
        opcode(Pickler.protocol(6), "protocol 6, expected 2 to 5"),
        opcode(Pickler.protocol(2).raw("}"), "1 bytes expected, but only 0 are left"),
        opcode(Pickler.protocol(2).raw("}.."), "the pickle ends with more than its value"),
        opcode(Pickler.protocol(2).raw("}}."), "the pickle ends with more than its value"),
        opcode(Pickler.protocol(2).raw("}(."), "the pickle ends with more than its value"),
        opcode(
            Pickler.protocol(2).raw("I01\n."),
            "opcode 0x49 is not known, or not of protocols 2 to 5"),
        opcode(
            Pickler.protocol(2).raw(0x97), "opcode 0x97 is not known, or not of protocols 2 to 5"),
        opcode(
            Pickler.protocol(2).raw(0x80, 2),
            "opcode 0x80 is not known, or not of protocols 2 to 5"),
        opcode(Pickler.protocol(2).raw("J").number(1, 3), "1 bytes expected, but only 0 are left"),
        opcode(
            Pickler.protocol(2).raw("X").number(0xffff_ffffL, 4),
            "4294967295 bytes expected, but only 0 are left"),
        opcode(
            Pickler.protocol(2).raw("T").number(-5, 4),
            "18446744073709551611 bytes expected, but only 0 are left"),
        opcode(
            Pickler.protocol(4).raw(0x8d).number(-1, 8),
            "18446744073709551615 bytes expected, but only 0 are left"),
        opcode(
            Pickler.protocol(4).raw(0x95).number(9, 8).raw("}"),
            "9 bytes expected, but only 1 are left"),
        opcode(
            Pickler.protocol(2).raw(0x8b).number(-1, 4),
            "18446744073709551615 bytes expected, but only 0 are left"),
        opcode(Pickler.protocol(2).raw("}s"), empty),
        opcode(Pickler.protocol(2).raw("0"), empty),
        opcode(Pickler.protocol(2).raw("R"), empty),
        opcode(Pickler.protocol(2).raw("2"), empty),
        opcode(Pickler.protocol(2).raw("}(R"), empty),
        opcode(Pickler.protocol(2).raw(")\u0086"), empty),
        opcode(Pickler.protocol(2).raw("q").raw(0), empty),
        opcode(Pickler.protocol(2).raw("}u"), "no mark on the stack"),
        opcode(Pickler.protocol(2).raw("t"), "no mark on the stack"),
        opcode(Pickler.protocol(2).raw("1"), "no mark on the stack"),
        opcode(
            Pickler.protocol(2).raw("(u"), "a value is expected under the mark, but there is none"),
        opcode(
            Pickler.protocol(2).raw("}((u"),
            "a value is expected under the mark, but there is none"),
        opcode(Pickler.protocol(2).raw("}(Nu"), "a key without a value"),
        opcode(Pickler.protocol(2).raw("(Nd"), "a key without a value"),
        opcode(Pickler.protocol(2).raw("NNa"), "a value is put into what is no container"),
        opcode(Pickler.protocol(2).raw("}Nb"), "a value is put into what is no container"),
        opcode(Pickler.protocol(2).raw(")(Ne"), "a value is put into what is no container"),
        opcode(Pickler.protocol(2).raw("NNNs"), "an item is set on what has none"),
        opcode(Pickler.protocol(2).raw("](NNu"), "an item is set on what has none"),
        opcode(Pickler.protocol(2).raw("h").raw(0), "memo 0 is read, but was not written"),
        opcode(
            Pickler.protocol(2).raw("j").number(0xffff_ffffL, 4),
            "memo 4294967295 is read, but was not written"),
        opcode(
            Pickler.protocol(2).raw("}r").number(0xffff_ffffL, 4),
            "memo 4294967295 is written, but there are 0"),
        opcode(
            Pickler.protocol(4).raw("NN").raw(0x93), "a global whose module and name are no texts"),
        opcode(
            Pickler.protocol(2).raw("c" + "m".repeat(1_001) + "\n"),
            "a name that is not plain ASCII, or too long"),
        opcode(
            Pickler.protocol(2).raw("cos\r\nsystem\n"),
            "a name that is not plain ASCII, or too long"),
        opcode(Pickler.protocol(2).raw("cos"), "1 bytes expected, but only 0 are left"),
        opcode(Pickler.protocol(2).raw("(".repeat(100_000)), deep),
        opcode(Pickler.protocol(2).raw(")" + "\u0085".repeat(100_000)), deep),
        opcode(Pickler.protocol(2).raw("]".repeat(2_000) + "a".repeat(1_999)), deep),
        opcode(Pickler.protocol(2).raw("}" + "N}".repeat(2_000) + "s".repeat(2_000)), deep));
  }

  private static Arguments tensor(UnaryOperator<Pickler> value, String code, String reason) {
    return arguments(item(value), code, reason);
  }

  private static Arguments bounds(long first, long[] lengths, long[] strides, String reason) {
    return tensor(
        pickler -> pickler.tensor(first, lengths, strides), "STORAGE_BOUNDS", "'t': " + reason);
  }

  private static long[] of(long... values) {
    return values;
  }

  static Stream<Arguments> tensors() {
    String unlike = "'t' is not as torch.save writes tensors: ";
    String tensor = "_rebuild_tensor_v2";
    return Stream.of(
        bounds(5, of(2), of(1), "elements 5 to 6 of a storage of 6"),
        bounds(0, of(7), of(1), "elements 0 to 6 of a storage of 6"),
        bounds(0, of(2), of(6), "elements 0 to 6 of a storage of 6"),
        bounds(0, of(2, 2), of(5, 1), "elements 0 to 6 of a storage of 6"),
        bounds(-1, of(2), of(1), "elements -1 to 0 of a storage of 6"),
        bounds(7, of(0), of(1), "elements 7 to 6 of a storage of 6"),
        bounds(0, of(-1), of(1), "axis 0 has length -1, stride 1"),
        bounds(0, of(2), of(-1), "axis 0 has length 2, stride -1"),
        bounds(0, of(1L << 32, 1L << 32), of(0, 0), "more than 2^63 - 1 elements"),
        bounds(0, of(2, 2), of(Long.MAX_VALUE, 1), "more than 2^63 - 1 elements"),
        bounds(Long.MAX_VALUE, of(1), of(1), "more than 2^63 - 1 elements"),
        tensor(
            pickler -> pickler.tensor(0, of(2), of(1, 1)),
            "TORCH_TENSOR",
            unlike + "1 axes and 2 strides"),
        tensor(
            pickler -> pickler.tensor(0, new long[65], new long[65]),
            "TORCH_TENSOR",
            unlike + "65 axes"),
        tensor(
            pickler -> pickler.global("torch._utils", tensor).raw("NR"),
            "TORCH_TENSOR",
            unlike + "arguments that are no tuple"),
        tensor(
            pickler -> pickler.global("torch._utils", tensor).raw(")R"),
            "TORCH_TENSOR",
            unlike + "0 arguments"),
        tensor(
            pickler -> pickler.global("torch._utils", tensor).raw("(NNNNNNtR"),
            "TORCH_TENSOR",
            unlike + "no storage or no offset in it"),
        tensor(
            pickler -> pickler.global("torch._utils", tensor).raw("(NQK\0NNNNtR"),
            "TORCH_TENSOR",
            unlike + "a storage without class, key or length"),
        tensor(
            pickler ->
                pickler
                    .global("torch._utils", tensor)
                    .raw("(")
                    .storage("Float", "0", 6)
                    .raw("K\0NNNNtR"),
            "TORCH_TENSOR",
            unlike + "a shape or strides that are no tuple"),
        tensor(
            pickler ->
                pickler
                    .global("torch._utils", tensor)
                    .raw("(")
                    .storage("Float", "0", 6)
                    .raw("K\0N\u0085)NNtR"),
            "TORCH_TENSOR",
            unlike + "a shape or strides that are no integers"),
        tensor(
            pickler -> pickler.global("torch._utils", "_rebuild_parameter").raw("N\u0085R"),
            "TORCH_TENSOR",
            unlike + "a parameter of no tensor"),
        tensor(
            pickler ->
                pickler
                    .global("torch._utils", "_rebuild_tensor_v3")
                    .raw("(")
                    .storage("Float", "0", 6)
                    .raw("K\0))NN")
                    .global("torch", "FloatStorage")
                    .raw("tR"),
            "TORCH_TENSOR",
            unlike + "type torch.FloatStorage"),
        tensor(
            storage("Float", "1", 6),
            "STORAGE_BOUNDS",
            "'t': its storage 'data/1' is not in the archive"),
        tensor(
            storage("Float", "../data.pkl", 6),
            "STORAGE_BOUNDS",
            "'t': its storage 'data/../data.pkl' is not in the archive"),
        tensor(
            storage("Float", "0", 7),
            "STORAGE_BOUNDS",
            "'t': its storage has 7 elements of float32, but 'archive/data/0' has 24 bytes"),
        tensor(
            storage("Double", "0", -1),
            "STORAGE_BOUNDS",
            "'t': its storage has -1 elements of float64, but 'archive/data/0' has 24 bytes"),
        tensor(
            storage("Quantum", "0", 6),
            "PICKLE_GLOBAL",
            "the state dict holds torch.QuantumStorage, expected tensors alone; nothing was loaded or"
                + " run"),
        arguments(
            Pickler.protocol(2).raw("}(").text("a").tensor().text("a").tensor().raw("u.").archive(),
            "DUPLICATE_KEY",
            "second 'a' in the state dict"),
        arguments(
            Pickler.protocol(2).raw("}").text("a".repeat(65_537)).tensor().raw("s.").archive(),
            "NAME_TOO_LONG",
            "a key of the state dict has more than 65536 bytes"));
  }

  private static UnaryOperator<Pickler> storage(String type, String key, long elements) {
    return pickler ->
        pickler
            .global("torch._utils", "_rebuild_tensor_v2")
            .raw("(")
            .storage(type, key, elements)
            .raw("K\0))NNtR");
  }

  static Stream<Arguments> records() {
    byte[] good = Pickler.protocol(2).raw("}").text("t").tensor().raw("s.").bytes();
    ZipWriter elsewhere = new ZipWriter();
    elsewhere.add("other/x", new byte[1]);
    elsewhere.add("archive/data.pkl", good);
    String noPickle =
        "no data.pkl in the folder of the first entry, so torch.save has not written it";
    return Stream.of(
        arguments(
            Pickler.archive(good, Map.of("byteorder", "big")),
            "BYTE_ORDER",
            "byte order 'big', expected 'little'; load it with torch.load and save it again on a"
                + " little-endian machine"),
        arguments(
            Pickler.archive(good, Map.of("version", "11\n")),
            "TORCH_VERSION",
            "version '11', expected a number from 1 to 10"),
        arguments(
            Pickler.archive(good, Map.of("version", "")),
            "TORCH_VERSION",
            "version '', expected a number from 1 to 10"),
        arguments(
            Pickler.archive(good, Map.of("version", "3".repeat(101))),
            "TORCH_ARCHIVE",
            "archive/version has 101 bytes, expected at most 100"),
        arguments(
            Pickler.archive(good, Map.of("constants.pkl", "x")),
            "TORCH_SCRIPT",
            "a TorchScript program, expected a state dict; load it with torch.jit.load and save its"
                + " state_dict() with torch.save"),
        arguments(new ZipWriter().toBytes(), "TORCH_ARCHIVE", noPickle),
        arguments(elsewhere.toBytes(), "TORCH_ARCHIVE", noPickle));
  }

  /** {@code os.system("touch FILE")}, as an attacker writes it: at the top, and inside. */
  @Test
  void commandsAreNotRun(@TempDir Path folder) throws IOException {
    Path proof = folder.resolve("proof");
    UnaryOperator<Pickler> attack =
        pickler -> pickler.global("posix", "system").text("touch '" + proof + "'").raw("\u0085R");
    for (String[] name :
        new String[][] {{"posix", "system"}, {"builtins", "eval"}, {"os", "popen"}}) {
      byte[] inside =
          Pickler.protocol(2)
              .raw("}(")
              .text("bn.running_mean")
              .tensor()
              .text("x")
              .global(name[0], name[1])
              .text("touch '" + proof + "'")
              .raw("\u0085Ru.")
              .archive();
      assertThatThrownBy(() -> read(inside))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageContaining(
              "PICKLE_GLOBAL: the state dict holds "
                  + name[0]
                  + "."
                  + name[1]
                  + ", expected tensors");
    }
    byte[] top = attack.apply(Pickler.protocol(2)).raw(".").archive();
    assertThatThrownBy(() -> read(top))
        .hasMessageContaining("NO_STATE_DICT: an object of posix.system was saved");
    assertThat(proof).doesNotExist();
  }

  /** Beside the state dict anything may stand; wherever in it, it is found. */
  @Test
  void foreignValuesAreRefusedInsideTheStateDictAlone() throws IOException {
    UnaryOperator<Pickler> foreign = pickler -> pickler.global("a", "B").raw(")\u0081");
    Pickler beside = foreign.apply(Pickler.protocol(2).raw("}(").text("args"));
    beside.text("model").raw("}").text("t").tensor().raw("su.");
    assertThat(read(beside.archive()).tensors()).extracting(TorchTensor::name).containsExactly("t");

    for (UnaryOperator<Pickler> wrapped :
        Stream.<UnaryOperator<Pickler>>of(
                foreign,
                pickler -> foreign.apply(pickler.raw("](")).raw("e"),
                pickler -> foreign.apply(pickler.raw("]")).raw("a"),
                pickler -> foreign.apply(pickler.raw("}(N")).raw("u"),
                pickler -> foreign.apply(pickler.raw("(")).raw("N").raw("d"),
                pickler -> foreign.apply(pickler.raw("(")).raw("t\u0085"),
                pickler -> foreign.apply(pickler.raw("(")).raw("l"),
                pickler -> foreign.apply(pickler.raw("(")).raw(0x91),
                pickler -> foreign.apply(pickler.tensor()).raw("b"),
                pickler ->
                    foreign.apply(pickler.global("collections", "OrderedDict")).raw("\u0085R"),
                pickler ->
                    foreign.apply(pickler.global("collections", "OrderedDict").raw(")R")).raw("b"),
                pickler -> pickler.global("a", "B"),
                pickler -> pickler.global("a", "B").raw("Q"),
                pickler -> pickler.global("a", "B").raw(")}").raw(0x92))
            .toList()) {
      byte[] inside =
          wrapped
              .apply(Pickler.protocol(2).raw("}(").text("t").tensor().text("x"))
              .raw("u.")
              .archive();
      assertThatThrownBy(() -> read(inside))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageContaining("PICKLE_GLOBAL: the state dict holds a.B, expected tensors alone");
    }
    // A function of the state dict's own that is called where none is, and one that is computed.
    byte[] storage =
        item(pickler -> pickler.tensor().raw("0").global("torch", "FloatStorage").raw(")R"));
    byte[] computed = item(pickler -> pickler.tensor().raw(")R"));
    for (byte[] archive : new byte[][] {storage, computed}) {
      assertThatThrownBy(() -> TorchFile.read(ReadableBytes.of("x", archive), Optional.empty()))
          .hasMessageContaining("NO_STATE_DICT");
    }
    byte[] both =
        Pickler.protocol(2).raw("}(").text("t").tensor().text("x").tensor().raw(")Ru.").archive();
    assertThatThrownBy(() -> read(both))
        .hasMessageContaining("the state dict holds (a function that is computed), expected");
  }

  /** A list and a dict that hold themselves, and a dict that is its own state dict. */
  @Test
  void cyclesEnd() throws IOException {
    Pickler cycles =
        Pickler.protocol(2)
            .raw("}q\0(")
            .text("list")
            .raw("]q\1h\1a")
            .text("dict")
            .raw("}q\2Nh\2s")
            .text("top")
            .raw("h\0")
            .text("model")
            .raw("h\0")
            .text("t")
            .tensor()
            .raw("u.");
    assertThat(read(cycles.archive()).tensors()).extracting(TorchTensor::name).containsExactly("t");
  }

  /** Each value twice the one before: a tree of 2^1000 leaves in a few kilobytes. */
  @Test
  void whatUnfoldsWithoutEndIsNotUnfolded() throws IOException {
    Pickler bomb = Pickler.protocol(2).raw("}(").text("t").tensor().text("x").raw(")");
    for (int i = 0; i < 900; i++) {
      bomb.raw("2\u0086");
    }
    byte[] archive = bomb.raw("u.").archive();
    TorchFile file = Assertions.assertTimeout(Duration.ofSeconds(10), () -> read(archive));
    assertThat(file.tensors()).hasSize(1);
  }

  /** A dict of 150,000 numbers that is the value of 150,000 keys: not looked through for each. */
  @Test
  void whatIsUsedOftenIsLookedAtOnce() {
    Pickler pickler = Pickler.protocol(2).raw("}(").text("x").raw("}q\0(");
    for (int i = 0; i < 150_000; i++) {
      pickler.raw("NN");
    }
    pickler.raw("u");
    for (int i = 0; i < 150_000; i++) {
      pickler.raw("Nh\0");
    }
    byte[] archive = pickler.raw("u.").archive();
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(10),
        () -> assertThatThrownBy(() -> read(archive)).hasMessageContaining("NO_STATE_DICT"));
  }

  @ParameterizedTest
  @MethodSource("floods")
  void floodsEndAtALimit(String opcodes, String reason) {
    Pickler flood = Pickler.protocol(2);
    for (int i = 0; i < 2_200_000; i++) {
      flood.raw(opcodes);
    }
    byte[] archive = flood.archive();
    Assertions.assertTimeout(
        Duration.ofSeconds(10),
        () ->
            assertThatThrownBy(() -> read(archive))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageEndingWith("PICKLE_TOO_LARGE: " + reason));
  }

  static Stream<Arguments> floods() {
    return Stream.of(
        arguments("N", "more than 1048576 values on the stack"),
        arguments("}0", "more than 2097152 values"),
        arguments("NN\u00860", "more than 2097152 values"));
  }

  @Test
  void longListsOfNumbersAreNoFlood() throws IOException {
    Pickler pickler = Pickler.protocol(2).raw("}(").text("t").tensor().text("order").raw("]");
    for (int i = 0; i < 3_000; i++) {
      pickler.raw("(");
      for (int j = 0; j < 1_000; j++) {
        pickler.raw("J").number(1_000L * i + j, 4);
      }
      pickler.raw("e");
    }
    assertThat(read(pickler.raw("u.").archive()).tensors()).hasSize(1);
  }

  /** PyTorch wrote no byte order before 2.1, and another place for the version is known. */
  @Test
  void recordsThatMayBeMissing() throws IOException {
    byte[] pickle = Pickler.protocol(2).raw("}").text("t").tensor().raw("s.").bytes();
    Map<String, String> others =
        Map.of("byteorder", "", "version", "", ".data/version", "6\n", ".format_version", "1");
    assertThat(read(Pickler.archive(pickle, others)).tensors()).hasSize(1);
  }

  /** Nothing of what a storage is shared with need be in the state dict. */
  @Test
  void sharingIsSeenInThePickleAsAWhole() throws IOException {
    byte[] alone = item(Pickler::tensor);
    assertThat(read(alone).tensors()).noneMatch(TorchTensor::isShared);
    Pickler twice = Pickler.protocol(2).raw("}(").text("model").raw("}").text("t").tensor();
    twice.raw("q\0s").text("copy").raw("h\0u.");
    Pickler other = Pickler.protocol(2).raw("}(").text("model").raw("}").text("t").tensor();
    other.raw("s").text("copy").tensor().raw("u.");
    Pickler storage = Pickler.protocol(2).raw("}(").text("model").raw("}").text("t").tensor();
    storage.raw("s").text("raw").storage("Float", "0", 6).raw("u.");
    Pickler repeated = Pickler.protocol(2).raw("}(").text("model").raw("}").text("t").tensor();
    repeated.raw("s").text("dup").tensor().raw("2\u0086").raw("u.");
    for (Pickler pickler : new Pickler[] {twice, other, storage, repeated}) {
      assertThat(read(pickler.archive()).tensors()).hasSize(1).allMatch(TorchTensor::isShared);
    }
  }

  @Test
  void compressedRecordsAreRefused() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (String[] record : new String[][] {{"version", "3"}, {"data.pkl", "x"}}) {
        zip.putNextEntry(new ZipEntry("archive/" + record[0]));
        zip.write(record[1].getBytes(StandardCharsets.US_ASCII));
        zip.closeEntry();
      }
    }
    assertThatThrownBy(() -> read(bytes.toByteArray()))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageEndingWith(
            "ZIP_METHOD: archive/data.pkl is compressed, but torch.save stores; load the file and"
                + " save it again");
  }

  @Test
  void filesThatAreNoArchivesAreRefused(@TempDir Path folder) throws IOException {
    Path text = Files.writeString(folder.resolve("x.pt"), "not a model at all, but some text");
    byte[] bytes = Files.readAllBytes(text);
    assertThatThrownBy(() -> read(bytes))
        .hasMessage(
            Pickler.NAME + " at byte 0: ZIP_MAGIC: byte 0x6e, but a zip begins with P K 0x03 0x04");
  }
}
