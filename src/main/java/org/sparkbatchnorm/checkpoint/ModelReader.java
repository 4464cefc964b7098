package org.sparkbatchnorm.checkpoint;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.format.ByteChange;

/** Reads one format. Stateless. */
interface ModelReader {
  /** Opens a file that stands beside the main one. */
  interface Neighbours {
    /**
     * Opens it; whoever opened the model closes it.
     *
     * @param name its base name
     */
    ModelPart open(String name) throws IOException;
  }

  /**
   * What stands in the files.
   *
   * @param main the file that the user names
   * @param neighbours the files beside it
   */
  ModelContents read(ModelPart main, Neighbours neighbours, ModelOptions options)
      throws IOException;

  /**
   * What stands in a model's files.
   *
   * @param parts the files, the main one last
   * @param tensors in the order of the files
   * @param metadata strings
   * @param aliases other names of layers
   * @param checksums what must change besides when bytes of a part change
   * @param otherStateDicts keys of what may be meant instead
   */
  record ModelContents(
      List<ModelPart> parts,
      List<NamedTensor> tensors,
      Map<String, String> metadata,
      Map<String, String> aliases,
      Checksums checksums,
      List<String> otherStateDicts) {
    public ModelContents {
      parts = List.copyOf(parts);
      tensors = List.copyOf(tensors);
      metadata = Map.copyOf(metadata);
      aliases = Map.copyOf(aliases);
      otherStateDicts = List.copyOf(otherStateDicts);
    }

    /** Of a file in which one model can be meant. */
    ModelContents(
        List<ModelPart> parts,
        List<NamedTensor> tensors,
        Map<String, String> metadata,
        Map<String, String> aliases,
        Checksums checksums) {
      this(parts, tensors, metadata, aliases, checksums, List.of());
    }

    /** The file that the user names. */
    ModelPart main() {
      return parts.get(parts.size() - 1);
    }
  }

  /** What a container keeps of its contents. */
  interface Checksums {
    /**
     * The changes that make a part's checksums right again.
     *
     * @param part index of the part
     * @param changes all other changes of that part
     */
    List<ByteChange> after(int part, List<ByteChange> changes) throws IOException;

    /** For files without checksums. */
    static Checksums none() {
      return (part, changes) -> List.of();
    }
  }
}
