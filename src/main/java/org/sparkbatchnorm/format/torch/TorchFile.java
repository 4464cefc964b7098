package org.sparkbatchnorm.format.torch;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.torch.PickleNode.Call;
import org.sparkbatchnorm.format.zip.ZipArchive;

/** The state dict in a file of {@code torch.save}: where its tensors stand. Immutable. */
public final class TorchFile {
  private final ZipArchive archive;
  private final List<TorchTensor> tensors;
  private final Map<String, String> metadata;
  private final List<String> otherStateDicts;

  private TorchFile(
      ZipArchive archive,
      List<TorchTensor> tensors,
      Map<String, String> metadata,
      List<String> otherStateDicts) {
    this.archive = archive;
    this.metadata = metadata;
    this.tensors = List.copyOf(tensors);
    this.otherStateDicts = List.copyOf(otherStateDicts);
  }

  /**
   * Reads and checks all but the storages, of which only the sizes are looked at. Nothing that the
   * file names is loaded, called or constructed.
   *
   * @param stateDict key of the state dict in the dict that was saved; empty to look for it: what
   *     was saved, or its item {@code state_dict}, {@code model} or {@code model_state_dict}
   * @throws MalformedFileException with a code of {@link ZipArchive}, or one of these, and the
   *     offset of the place, or of the pickle where there is none:
   *     <ul>
   *       <li>TORCH_LEGACY: written before PyTorch 1.6; TORCH_SCRIPT: a TorchScript program;
   *           TORCH_ARCHIVE: another zip, or a pickle above 256 MiB
   *       <li>TORCH_VERSION, BYTE_ORDER: of a later form, or big-endian
   *       <li>ZIP_METHOD: the pickle or a storage is compressed
   *       <li>PICKLE_OPCODE, PICKLE_TOO_LARGE: the pickle is broken, or more than is kept
   *       <li>NO_STATE_DICT, STATE_DICT_AMBIGUOUS: no dict of tensors, or more than one
   *       <li>PICKLE_GLOBAL: something else than tensors and plain values stands in it
   *       <li>NAME_TOO_LONG (above 65,536 bytes), DUPLICATE_KEY
   *       <li>TORCH_TENSOR: not as torch.save writes tensors
   *       <li>STORAGE_BOUNDS: elements outside of the storage, or no such storage
   *       <li>METADATA: not as {@link TorchWriter} writes them
   *     </ul>
   *
   * @throws IOException if reading fails, or the file is shorter than it said
   */
  public static TorchFile read(ReadableBytes file, Optional<String> stateDict) throws IOException {
    TorchArchive archive = TorchArchive.read(file);
    Pickle pickle = archive.pickle();
    PickleNode saved = pickle.read();
    StateDict dicts = new StateDict(archive);
    Map<String, Call> calls = dicts.find(saved, stateDict);
    TensorReader reader = new TensorReader(archive, pickle);
    List<TorchTensor> tensors = new ArrayList<>();
    for (Map.Entry<String, Call> call : calls.entrySet()) {
      tensors.add(reader.read(call.getKey(), call.getValue()));
    }
    List<String> others = stateDict.isPresent() ? List.of() : dicts.others(saved);
    return new TorchFile(archive.zip(), tensors, archive.metadata(), others);
  }

  /** The archive that it is. */
  public ZipArchive archive() {
    return archive;
  }

  /** The tensors of the state dict, in its order; other values of it are left out. */
  public List<TorchTensor> tensors() {
    return tensors;
  }

  /**
   * Other keys of what was saved under which running means stand, where no key was given: the
   * tensors are of a state dict that may not be the one that is meant.
   */
  public List<String> otherStateDicts() {
    return otherStateDicts;
  }

  /** The metadata that {@link TorchWriter} puts beside the dict; empty in files of others. */
  public Map<String, String> metadata() {
    return metadata;
  }
}
