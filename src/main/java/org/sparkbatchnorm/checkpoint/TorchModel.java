package org.sparkbatchnorm.checkpoint;

import java.io.IOException;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.checkpoint.NamedTensor.Counting;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.torch.TorchFile;
import org.sparkbatchnorm.format.torch.TorchTensor;
import org.sparkbatchnorm.tensor.DType;

/** Models as files of {@code torch.save}: the state dict in them. */
final class TorchModel implements ModelReader {

  @Override
  public ModelContents read(ModelPart main, Neighbours neighbours, ModelOptions options)
      throws IOException {
    TorchFile file = TorchFile.read(main.bytes(), options.stateDict());
    Map<String, ReadableBytes> storages = new HashMap<>();
    Map<String, List<String>> users = users(file);
    List<NamedTensor> tensors = new ArrayList<>();
    for (TorchTensor tensor : file.tensors()) {
      ReadableBytes storage =
          storages.computeIfAbsent(
              tensor.storage().name(), name -> file.archive().openChecked(tensor.storage()));
      NamedTensor named = named(tensor, storage);
      tensors.add(
          tensor.isShared()
              ? named.fixed(sharing(tensor, users.get(tensor.storage().name())))
              : named);
    }
    return new ModelContents(
        List.of(main),
        tensors,
        file.metadata(),
        Map.of(),
        (part, changes) -> file.archive().checksumChanges(changes),
        file.otherStateDicts());
  }

  private static NamedTensor named(TorchTensor tensor, ReadableBytes storage) {
    boolean contiguous = tensor.isContiguous();
    if (tensor.dtype().isEmpty() || (!contiguous && tensor.shape().rank() > 1)) {
      return NamedTensor.opaque(
          tensor.name(),
          tensor.isFloating() ? Counting.PARAMETER : Counting.BUFFER,
          tensor.shape(),
          0,
          storage,
          tensor.offset());
    }
    DType dtype = tensor.dtype().get();
    ReadableBytes source =
        contiguous
            ? storage
            : new StridedBytes(storage, tensor.offset(), dtype.bytes(), tensor.strides()[0]);
    NamedTensor named =
        NamedTensor.inPlace(
            tensor.name(),
            dtype,
            tensor.shape(),
            ByteOrder.LITTLE_ENDIAN,
            0,
            source,
            tensor.offset());
    return contiguous
        ? named
        : named.fixed("its elements do not lie one after the other; save it contiguous");
  }

  /** The first two names of the tensors in each storage. */
  private static Map<String, List<String>> users(TorchFile file) {
    Map<String, List<String>> users = new HashMap<>();
    for (TorchTensor tensor : file.tensors()) {
      List<String> names =
          users.computeIfAbsent(tensor.storage().name(), storage -> new ArrayList<>());
      if (names.size() < 2) {
        names.add(tensor.name());
      }
    }
    return users;
  }

  private static String sharing(TorchTensor tensor, List<String> users) {
    String other =
        users.stream()
            .filter(name -> !name.equals(tensor.name()))
            .findFirst()
            .map(name -> "'" + name + "' uses its storage, too")
            .orElse("something else in the file uses its storage, too");
    return other + "; save a clone of it";
  }
}
