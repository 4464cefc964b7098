package org.sparkbatchnorm.format.torch;

import java.util.List;
import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.torch.PickleNode.Call;
import org.sparkbatchnorm.format.torch.PickleNode.Global;
import org.sparkbatchnorm.format.torch.PickleNode.Persistent;
import org.sparkbatchnorm.format.torch.PickleNode.Text;
import org.sparkbatchnorm.format.torch.PickleNode.Tuple;
import org.sparkbatchnorm.format.torch.PickleNode.Whole;
import org.sparkbatchnorm.format.zip.ArchiveEntry;
import org.sparkbatchnorm.tensor.Shape;

/**
 * Turns the calls that make tensors (torch/_utils.py) into the places of those tensors. What they
 * say is checked against the sizes of the storages; no storage is read.
 */
final class TensorReader {
  /** PyTorch's own limit. */
  private static final int MAX_RANK = 64;

  private final TorchArchive archive;
  private final Pickle pickle;

  TensorReader(TorchArchive archive, Pickle pickle) {
    this.archive = archive;
    this.pickle = pickle;
  }

  /** A storage, as a tensor's call names it. */
  private record Storage(ArchiveEntry entry, TorchType type, long elements, boolean shared) {}

  /** The tensor that a call makes, perhaps through the call that makes a parameter of it. */
  TorchTensor read(String name, Call call) throws MalformedFileException {
    boolean parameter =
        call.function().equals(KnownGlobals.PARAMETER)
            || call.function().equals(KnownGlobals.PARAMETER_WITH_STATE);
    List<PickleNode> arguments = arguments(name, call);
    if (!parameter) {
      return tensor(name, call, call.isUsedTwice() || call.arguments().isUsedTwice());
    }
    if (arguments.isEmpty()
        || !(arguments.get(0) instanceof Call data)
        || !(data.function().equals(KnownGlobals.TENSOR_V2)
            || data.function().equals(KnownGlobals.TENSOR_V3))) {
      throw unlike(name, "a parameter of no tensor");
    }
    return tensor(
        name,
        data,
        call.isUsedTwice()
            || call.arguments().isUsedTwice()
            || data.isUsedTwice()
            || data.arguments().isUsedTwice());
  }

  private TorchTensor tensor(String name, Call call, boolean usedTwice)
      throws MalformedFileException {
    List<PickleNode> arguments = arguments(name, call);
    boolean typed = call.function().equals(KnownGlobals.TENSOR_V3);
    if (arguments.size() < (typed ? 7 : 6)) {
      throw unlike(name, arguments.size() + " arguments");
    }
    if (!(arguments.get(0) instanceof Persistent persistent)
        || !(arguments.get(1) instanceof Whole offset)) {
      throw unlike(name, "no storage or no offset in it");
    }
    Storage storage = storage(name, persistent);
    TorchType type = storage.type();
    if (typed) {
      if (!(arguments.get(6) instanceof Global word)) {
        throw unlike(name, "no type");
      }
      type =
          KnownGlobals.ofDtype(word.name()).orElseThrow(() -> unlike(name, "type " + word.name()));
    }
    long[] lengths = integers(name, arguments.get(2));
    long[] strides = integers(name, arguments.get(3));
    if (lengths.length != strides.length) {
      throw unlike(name, lengths.length + " axes and " + strides.length + " strides");
    }
    long storageBytes = storage.elements() * storage.type().bytes();
    Shape shape = within(name, lengths, strides, offset.value(), storageBytes / type.bytes());
    return new TorchTensor(
        name, type, shape, strides, storage.entry(), offset.value(), usedTwice || storage.shared());
  }

  private Storage storage(String name, Persistent persistent) throws MalformedFileException {
    List<PickleNode> parts = persistent.storage().orElse(List.of());
    Optional<TorchType> type =
        parts.isEmpty() || !(parts.get(1) instanceof Global storageClass)
            ? Optional.empty()
            : KnownGlobals.ofStorage(storageClass.name());
    if (type.isEmpty()
        || !(parts.get(2) instanceof Text key)
        || !(parts.get(4) instanceof Whole elements)) {
      throw unlike(name, "a storage without class, key or length");
    }
    ArchiveEntry entry =
        archive
            .entry(TorchArchive.STORAGES + key.text())
            .orElseThrow(
                () -> outside(name, "its storage 'data/" + key.text() + "' is not in the archive"));
    archive.requireStored(entry);
    if (elements.value() != entry.size() / type.get().bytes()) {
      throw outside(
          name,
          "its storage has "
              + elements.value()
              + " elements of "
              + type.get().word()
              + ", but '"
              + entry.name()
              + "' has "
              + entry.size()
              + " bytes");
    }
    return new Storage(
        entry,
        type.get(),
        elements.value(),
        persistent.isUsedTwice() || pickle.storageUses(key.text()) > 1);
  }

  /** The shape, if all elements are among those of the storage. */
  private Shape within(
      String name, long[] lengths, long[] strides, long first, long storageElements)
      throws MalformedFileException {
    for (int axis = 0; axis < lengths.length; axis++) {
      if (lengths[axis] < 0 || strides[axis] < 0) {
        throw outside(
            name, "axis " + axis + " has length " + lengths[axis] + ", stride " + strides[axis]);
      }
    }
    try {
      Shape shape = Shape.of(lengths);
      long last = first;
      for (int axis = 0; axis < lengths.length && shape.elements() > 0; axis++) {
        last = Math.addExact(last, Math.multiplyExact(lengths[axis] - 1, strides[axis]));
      }
      long end = shape.elements() > 0 ? Math.addExact(last, 1) : last;
      if (first < 0 || end > storageElements) {
        throw outside(
            name, "elements " + first + " to " + (end - 1) + " of a storage of " + storageElements);
      }
      return shape;
    } catch (ArithmeticException e) {
      throw outside(name, "more than 2^63 - 1 elements");
    }
  }

  private List<PickleNode> arguments(String name, Call call) throws MalformedFileException {
    if (!(call.arguments() instanceof Tuple tuple)) {
      throw unlike(name, "arguments that are no tuple");
    }
    return tuple.items();
  }

  private long[] integers(String name, PickleNode node) throws MalformedFileException {
    if (!(node instanceof Tuple tuple)) {
      throw unlike(name, "a shape or strides that are no tuple");
    }
    if (tuple.items().size() > MAX_RANK) {
      throw unlike(name, tuple.items().size() + " axes");
    }
    long[] integers = new long[tuple.items().size()];
    for (int i = 0; i < integers.length; i++) {
      if (!(tuple.items().get(i) instanceof Whole whole)) {
        throw unlike(name, "a shape or strides that are no integers");
      }
      integers[i] = whole.value();
    }
    return integers;
  }

  private MalformedFileException unlike(String name, String found) {
    return archive.malformedPickle(
        "TORCH_TENSOR", "'" + name + "' is not as torch.save writes tensors: " + found);
  }

  private MalformedFileException outside(String name, String found) {
    return archive.malformedPickle("STORAGE_BOUNDS", "'" + name + "': " + found);
  }
}
