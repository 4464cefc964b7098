package org.sparkbatchnorm.format.parquet;

import java.nio.ByteBuffer;
import org.apache.parquet.column.values.ValuesReader;
import org.apache.parquet.io.ParquetDecodingException;

/** The values of a page that are not null, in order. */
abstract class PageValues {

  /**
   * The next values, little-endian: one binary, or some numbers, as many as are wanted at most.
   * Valid until the next call.
   *
   * @throws RuntimeException if the page has no more, or cannot be understood
   */
  abstract ByteBuffer next(int wanted);

  /**
   * The page's values have all been read.
   *
   * @throws RuntimeException if there are more, as far as can be told
   */
  void end() {}

  /** Numbers as they stand in the page. */
  static PageValues plainNumbers(ByteBuffer page, int width) {
    return new PageValues() {
      @Override
      ByteBuffer next(int wanted) {
        int count = Math.min(wanted, page.remaining() / width);
        if (count == 0) {
          throw tooFew();
        }
        return take(page, count * width);
      }

      @Override
      void end() {
        requireEnd(page);
      }
    };
  }

  /** Binaries of one length, or with length 0 each behind its own. */
  static PageValues plainBinaries(ByteBuffer page, int length) {
    return new PageValues() {
      @Override
      ByteBuffer next(int wanted) {
        return take(page, length == 0 ? page.getInt() : length);
      }

      @Override
      void end() {
        requireEnd(page);
      }
    };
  }

  /** Numbers by their place in a dictionary, unpacked into a block. */
  static PageValues numbersOf(PageDictionary dictionary, HybridRuns places, ByteBuffer block) {
    return new PageValues() {
      @Override
      ByteBuffer next(int wanted) {
        return dictionary.numbers(places, wanted, block);
      }
    };
  }

  /** Binaries by their place in a dictionary. */
  static PageValues binariesOf(PageDictionary dictionary, HybridRuns places) {
    return new PageValues() {
      @Override
      ByteBuffer next(int wanted) {
        int place = places.value();
        places.skip(1);
        return dictionary.binary(place);
      }
    };
  }

  /** Numbers that parquet-java decodes, into a block. */
  static PageValues numbersOf(ValuesReader reader, int width, ByteBuffer block) {
    return new PageValues() {
      @Override
      ByteBuffer next(int wanted) {
        int count = Math.min(wanted, block.capacity() / width);
        block.clear();
        for (int i = 0; i < count; i++) {
          if (width == Float.BYTES) {
            block.putFloat(reader.readFloat());
          } else {
            block.putDouble(reader.readDouble());
          }
        }
        return block.flip();
      }
    };
  }

  /** Binaries that parquet-java decodes. */
  static PageValues binariesOf(ValuesReader reader) {
    return new PageValues() {
      @Override
      ByteBuffer next(int wanted) {
        return reader.readBytes().toByteBuffer();
      }
    };
  }

  /** Passes over the next bytes of a page, and gives them. */
  private static ByteBuffer take(ByteBuffer page, int bytes) {
    if (bytes < 0 || bytes > page.remaining()) {
      throw tooFew();
    }
    ByteBuffer taken = page.slice(page.position(), bytes);
    page.position(page.position() + bytes);
    return taken;
  }

  private static void requireEnd(ByteBuffer page) {
    if (page.hasRemaining()) {
      throw new ParquetDecodingException(
          page.remaining() + " bytes are left after the values that the page declares");
    }
  }

  private static ParquetDecodingException tooFew() {
    return new ParquetDecodingException("there are fewer values than the page declares");
  }
}
