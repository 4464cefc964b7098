package org.sparkbatchnorm.format.torch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.ReaderFuzz;

/** Pickles near valid ones in archives that are in order. What is accepted lies in its storage. */
class TorchFuzzTest {
  private static final String[] PIECES = {
    "N",
    "}",
    "]",
    ")",
    "(",
    "t",
    "u",
    "s",
    "e",
    "a",
    "R",
    "b",
    "Q",
    "q\0",
    "h\0",
    "h\1",
    "2",
    "0",
    "\u0085",
    "\u0086",
    "\u0087",
    "\u0081",
    "K\2",
    "J\u00ff\u00ff\u00ff\u00ff",
    "U\1x",
    "X\1\0\0\0y",
    "ccollections\nOrderedDict\n",
    "ctorch\nFloatStorage\n",
    "ctorch._utils\n_rebuild_parameter\n",
    "cos\nsystem\n",
    "\u0094",
    "\u0093",
    "\u008c\1z",
    "l",
    "d",
    "1",
    "\u008a\1\5"
  };

  private static final List<byte[]> SEEDS =
      List.of(
          Pickler.protocol(2).raw("}(").text("a").tensor().text("b").tensor().raw("u.").bytes(),
          Pickler.protocol(2)
              .global("collections", "OrderedDict")
              .raw(")Rq\0(")
              .text("a")
              .global("torch._utils", "_rebuild_parameter")
              .tensor()
              .raw("\u0088h\0\u0087Ru}")
              .text("_metadata")
              .raw("Nsb.")
              .bytes(),
          Pickler.protocol(2)
              .raw("}(")
              .text("model")
              .raw("}q\1")
              .text("a")
              .tensor(0, new long[] {2, 3}, new long[] {3, 1})
              .raw("s")
              .text("args")
              .global("argparse", "Namespace")
              .raw(")\u0081}bu.")
              .bytes());

  @Test
  void readerOnlyEverAcceptsOrRejects() {
    ReaderFuzz.run("torch", TorchFuzzTest::mutant, TorchFuzzTest::check);
  }

  private static byte[] mutant(Random random) {
    byte[] pickle = SEEDS.get(random.nextInt(SEEDS.size()));
    if (random.nextInt(3) == 0) {
      pickle = ReaderFuzz.withBytesMoved(pickle, random);
    }
    for (int pieces = random.nextInt(3); pieces > 0; pieces--) {
      pickle = withPiece(pickle, random);
    }
    byte[] archive = Pickler.archive(pickle, Map.of());
    return random.nextInt(8) == 0 ? ReaderFuzz.withBytesMoved(archive, random) : archive;
  }

  /** An opcode put in, or in place of what stands there. */
  private static byte[] withPiece(byte[] pickle, Random random) {
    Pickler result = new Pickler();
    int at = random.nextInt(pickle.length);
    String piece = PIECES[random.nextInt(PIECES.length)];
    int next = random.nextBoolean() ? at : Math.min(pickle.length, at + piece.length());
    for (int i = 0; i < at; i++) {
      result.raw(pickle[i]);
    }
    result.raw(piece);
    for (int i = next; i < pickle.length; i++) {
      result.raw(pickle[i]);
    }
    return result.bytes();
  }

  private static void check(ReadableBytes file) throws IOException {
    TorchFile torch = TorchFile.read(file, Optional.empty());
    for (TorchTensor tensor : torch.tensors()) {
      long last = 0;
      for (int axis = 0; axis < tensor.shape().rank(); axis++) {
        last += (tensor.shape().dimension(axis) - 1) * tensor.strides()[axis];
      }
      assertThat(tensor.offset()).isGreaterThanOrEqualTo(tensor.storage().dataOffset());
      if (tensor.shape().elements() > 0) {
        assertThat(tensor.offset() + (last + 1) * tensor.elementBytes())
            .isLessThanOrEqualTo(tensor.storage().dataEnd());
        assertThat(TorchGoldenTest.values(torch, tensor)).isNotNull();
      }
    }
  }
}
