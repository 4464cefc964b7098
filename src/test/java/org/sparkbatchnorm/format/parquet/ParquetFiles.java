package org.sparkbatchnorm.format.parquet;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.apache.parquet.schema.Type.Repetition;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.StreamedBytes;

/** Files of one column {@code data}, written in memory by parquet-java, and how they are read. */
final class ParquetFiles {
  private ParquetFiles() {}

  /**
   * How to write.
   *
   * @param schema of the column
   * @param rowsPerPage at most
   * @param groupBytes about the size of a row group
   */
  record Form(
      String schema,
      WriterVersion version,
      CompressionCodecName codec,
      boolean dictionary,
      int rowsPerPage,
      long groupBytes) {
    Form(String schema) {
      this(schema, WriterVersion.PARQUET_1_0, CompressionCodecName.UNCOMPRESSED, false, 1000, 1000);
    }

    MessageType type() {
      return MessageTypeParser.parseMessageType("message m { " + schema + " }");
    }
  }

  /**
   * A file of these rows: null, a byte array, or a list of lists, numbers and nulls.
   *
   * @param form of the file
   */
  static byte[] write(Form form, List<?> rows) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    MessageType type = form.type();
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(into(bytes))
            .withConf(new Configuration(false))
            .withType(type)
            .withWriterVersion(form.version)
            .withCompressionCodec(form.codec)
            .withDictionaryEncoding(form.dictionary)
            .withPageRowCountLimit(form.rowsPerPage)
            .withRowGroupSize(form.groupBytes)
            .withMinRowCountForPageSizeCheck(1)
            .withMaxRowCountForPageSizeCheck(1)
            .build()) {
      for (Object row : rows) {
        Group group = new SimpleGroupFactory(type).newGroup();
        add(group, 0, row);
        writer.write(group);
      }
    }
    return bytes.toByteArray();
  }

  private static void add(Group parent, int field, Object value) {
    GroupType type = parent.getType();
    if (value instanceof Float number) {
      parent.add(field, number);
    } else if (value instanceof Double number) {
      parent.add(field, number);
    } else if (value instanceof byte[] binary) {
      parent.add(field, Binary.fromConstantByteArray(binary));
    } else if (value instanceof List<?> list
        && type.getType(field).isRepetition(Repetition.REPEATED)) {
      // A list without a group of its own.
      list.forEach(entry -> add(parent, field, entry));
    } else if (value instanceof List<?> list) {
      Group container = parent.addGroup(field);
      for (Object entry : list) {
        if (container.getType().getType(0).isPrimitive()) {
          add(container, 0, entry);
        } else {
          Group repeated = container.addGroup(0);
          add(repeated, 0, entry);
        }
      }
    }
  }

  private static OutputFile into(ByteArrayOutputStream bytes) {
    return new OutputFile() {
      @Override
      public PositionOutputStream create(long blockSizeHint) {
        return new PositionOutputStream() {
          @Override
          public long getPos() {
            return bytes.size();
          }

          @Override
          public void write(int b) {
            bytes.write(b);
          }

          @Override
          public void write(byte[] b, int offset, int count) {
            bytes.write(b, offset, count);
          }
        };
      }

      @Override
      public PositionOutputStream createOrOverwrite(long blockSizeHint) {
        return create(blockSizeHint);
      }

      @Override
      public boolean supportsBlockSize() {
        return false;
      }

      @Override
      public long defaultBlockSize() {
        return 0;
      }
    };
  }

  static StreamedBytes file(byte[] bytes) {
    return streamed(ReadableBytes.of("a.parquet", bytes));
  }

  /** With a stream made of positioned reads. */
  static StreamedBytes streamed(ReadableBytes bytes) {
    return new StreamedBytes() {
      private long position;

      @Override
      public String name() {
        return bytes.name();
      }

      @Override
      public long length() {
        return bytes.length();
      }

      @Override
      public void readFully(long from, byte[] destination, int offset, int count)
          throws IOException {
        bytes.readFully(from, destination, offset, count);
      }

      @Override
      public void seek(long to) {
        position = to;
      }

      @Override
      public void readNext(byte[] destination, int offset, int count) throws IOException {
        bytes.readFully(position, destination, offset, count);
        position += count;
      }

      @Override
      public void close() throws IOException {
        bytes.close();
      }
    };
  }
}
