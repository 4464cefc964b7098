package org.sparkbatchnorm.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.ReaderFuzz;
import org.sparkbatchnorm.tensor.DType;

/** Files near valid ones. What is accepted must be JSON to Jackson too, with the same names. */
class SafetensorsFuzzTest {
  private static final String[] NAMES = {
    "a", "b", "a.b", "__metadata__", "\\u0061", "\u00e9", "\\ud83d\\ude00", "\\ud800", "\\n", ""
  };
  private static final String[] DTYPES = {"F32", "F32", "F32", "F64", "BF16", "U8", "f32", "BOOL"};
  private static final String[] FIELDS = {"dtype", "shape", "data_offsets", "Shape", "dtyp\\u0065"};

  @Test
  void readerOnlyEverAcceptsOrRejects() {
    ReaderFuzz.run("safetensors", SafetensorsFuzzTest::mutant, SafetensorsFuzzTest::check);
  }

  private static byte[] mutant(Random random) {
    List<String> members = new ArrayList<>();
    int position = 0;
    for (int tensors = random.nextInt(4); tensors > 0; tensors--) {
      int end = position + 4 * random.nextInt(4);
      members.add(member(random, position, end));
      position = random.nextInt(20) == 0 ? Math.max(0, end + 4 * random.nextInt(3) - 4) : end;
    }
    if (random.nextInt(3) == 0) {
      String value = random.nextInt(8) == 0 ? ReaderFuzz.awkwardNumber(random) : "\"pt\"";
      members.add("\"__metadata__\":{\"format\":" + value + "}");
    }
    String separator = random.nextInt(30) == 0 ? " " : ",";
    String header = "{" + String.join(separator, members) + "}" + " ".repeat(random.nextInt(4));
    int data = Math.max(0, position + (random.nextInt(10) == 0 ? random.nextInt(9) - 4 : 0));
    byte[] file = Files.bytes(header.getBytes(StandardCharsets.UTF_8), data);
    return random.nextInt(3) == 0 ? ReaderFuzz.withBytesMoved(file, random) : file;
  }

  private static String member(Random random, int begin, int end) {
    boolean awkward = random.nextInt(6) == 0;
    String dtype = DTYPES[awkward ? random.nextInt(DTYPES.length) : 0];
    String length =
        awkward && random.nextInt(3) == 0
            ? ReaderFuzz.awkwardNumber(random)
            : Integer.toString((end - begin) / 4);
    String from =
        awkward && random.nextInt(3) == 0
            ? ReaderFuzz.awkwardNumber(random)
            : Integer.toString(begin);
    List<String> fields = new ArrayList<>();
    fields.add(field(random, 0, "\"" + dtype + "\""));
    fields.add(random.nextInt(2), field(random, 1, "[" + length + "]"));
    fields.add(random.nextInt(3), field(random, 2, "[" + from + "," + end + "]"));
    if (awkward && random.nextInt(6) == 0) {
      fields.remove(random.nextInt(3));
    }
    String name =
        random.nextInt(3) == 0 ? NAMES[random.nextInt(NAMES.length)] : "t" + random.nextInt(1_000);
    return "\"" + name + "\":{" + String.join(",", fields) + "}";
  }

  private static String field(Random random, int index, String value) {
    int named = random.nextInt(40) == 0 ? random.nextInt(FIELDS.length) : index;
    return "\"" + FIELDS[named] + "\":" + value;
  }

  private static void check(ReadableBytes file) throws IOException {
    SafetensorsHeader header = SafetensorsHeader.read(file);
    long covered = header.dataOffset();
    List<String> names = new ArrayList<>();
    for (SafetensorsTensor tensor : header.tensors()) {
      assertThat(tensor.offset()).isEqualTo(covered);
      assertThat(tensor.bytes()).isEqualTo(tensor.shape().elements() * tensor.dtype().bytes());
      assertThat(DType.values()).contains(tensor.dtype());
      covered += tensor.bytes();
      names.add(tensor.name());
    }
    assertThat(covered).isEqualTo(file.length());
    assertThat(namesByJackson(file, (int) header.dataOffset()))
        .containsExactlyInAnyOrderElementsOf(names);
  }

  private static List<String> namesByJackson(ReadableBytes file, int headerEnd) throws IOException {
    byte[] header = new byte[headerEnd - 8];
    file.readFully(8, header, 0, header.length);
    List<String> names = new ArrayList<>();
    try (JsonParser parser =
        new JsonFactory().createParser(new String(header, StandardCharsets.UTF_8))) {
      assertThat(parser.nextToken()).isEqualTo(JsonToken.START_OBJECT);
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        if (!parser.currentName().equals("__metadata__")) {
          names.add(parser.currentName());
        }
        parser.nextToken();
        parser.skipChildren();
      }
      assertThat(parser.nextToken()).isNull();
    }
    return names;
  }
}
