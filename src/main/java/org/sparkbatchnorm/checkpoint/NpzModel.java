package org.sparkbatchnorm.checkpoint;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.checkpoint.NamedTensor.Counting;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.npy.NpyHeader;
import org.sparkbatchnorm.format.npy.NpzArray;
import org.sparkbatchnorm.format.npy.NpzFile;
import org.sparkbatchnorm.tensor.ElementOrder;

/** Models as npz files: every array of numbers is a tensor. */
final class NpzModel implements ModelReader {

  @Override
  public ModelContents read(ModelPart main, Neighbours neighbours, ModelOptions options)
      throws IOException {
    NpzFile file = NpzFile.read(main.bytes());
    List<NamedTensor> tensors = new ArrayList<>();
    for (NpzArray array : file.arrays()) {
      NamedTensor named = named(array, file.archive().openChecked(array.entry()));
      tensors.add(
          array.entry().isStored()
              ? named
              : named.fixed("it is compressed; save the file by numpy.savez"));
    }
    return new ModelContents(
        List.of(main),
        tensors,
        file.metadata(),
        Map.of(),
        (part, changes) -> file.archive().checksumChanges(changes));
  }

  private static NamedTensor named(NpzArray array, ReadableBytes content) {
    NpyHeader header = array.header();
    if (header.order() == ElementOrder.COLUMN_MAJOR && header.shape().rank() > 1) {
      return NamedTensor.opaque(
          array.name(),
          header.dtype().isFloating() ? Counting.PARAMETER : Counting.BUFFER,
          header.shape(),
          0,
          content,
          array.offset());
    }
    return NamedTensor.inPlace(
        array.name(),
        header.dtype(),
        header.shape(),
        header.byteOrder(),
        0,
        content,
        array.offset());
  }
}
