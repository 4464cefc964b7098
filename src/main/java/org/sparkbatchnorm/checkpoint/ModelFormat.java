package org.sparkbatchnorm.checkpoint;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.sparkbatchnorm.format.safetensors.SafetensorsIndex;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.tensor.DType;

/** The kinds of files that hold BatchNorm layers, told by how their names end. */
public enum ModelFormat {
  SAFETENSORS("safetensors", Convention.PYTORCH, ".safetensors " + SafetensorsIndex.SUFFIX),
  TORCH("pt", Convention.PYTORCH, ".pt .pth"),
  KERAS("keras", Convention.KERAS, ".keras .weights.h5"),
  NPZ("npz", Convention.PYTORCH, ".npz");

  private final String word;
  private final Convention convention;
  private final String suffixes;

  ModelFormat(String word, Convention convention, String suffixes) {
    this.word = word;
    this.convention = convention;
    this.suffixes = suffixes;
  }

  /** The word for it in reports. */
  public String word() {
    return word;
  }

  /** What is taken to be meant by the numbers in it, unless the file or the user says otherwise. */
  public Convention convention() {
    return convention;
  }

  /** Whose words name the tensors in it, where the numbers follow this convention. */
  public Naming naming(Convention meant) {
    return this == NPZ ? Naming.NEUTRAL : Naming.of(meant);
  }

  /** The format of a file of this name or path, case aside. */
  public static Optional<ModelFormat> ofPath(String path) {
    String lower = path.toLowerCase(Locale.ROOT);
    return Arrays.stream(values())
        .filter(format -> format.suffixList().stream().anyMatch(lower::endsWith))
        .findFirst();
  }

  /** How the names of its files end, for messages. */
  public String suffixes() {
    return suffixes.replace(" ", ", ");
  }

  /** How the names of all files end that are read, for messages. */
  public static String allSuffixes() {
    return String.join(", ", Arrays.stream(values()).map(ModelFormat::suffixes).toList());
  }

  /** How the names of new checkpoints end, for messages. */
  public static String newSuffixes() {
    return String.join(
        ", ",
        Arrays.stream(values())
            .filter(ModelFormat::isWritable)
            .map(format -> format.suffixList().get(0))
            .toList());
  }

  private List<String> suffixList() {
    return List.of(suffixes.split(" "));
  }

  /** Whether new checkpoints can be written in it. */
  public boolean isWritable() {
    return this == SAFETENSORS || this == TORCH || this == NPZ;
  }

  /**
   * The file that holds a new checkpoint; the same checkpoint gives the same bytes. They have been
   * read back and compared.
   *
   * @param dtype type of the values, each rounded once
   * @param naming whose words name the tensors, where the format has no names of its own
   * @throws IllegalArgumentException if there is no layer, the type has no fractions, or a name
   *     cannot be written
   * @throws UnsupportedOperationException if the format is not writable
   */
  public byte[] encode(Checkpoint checkpoint, DType dtype, Naming naming) {
    return switch (this) {
      case SAFETENSORS -> SafetensorsCheckpoint.encode(checkpoint, dtype, naming);
      case TORCH -> TorchCheckpoint.encode(checkpoint, dtype, naming);
      case KERAS -> throw new UnsupportedOperationException(word + " files are not written anew");
      case NPZ -> NpzCheckpoint.encode(checkpoint, dtype);
    };
  }

  ModelReader reader() {
    return switch (this) {
      case SAFETENSORS -> new SafetensorsModel();
      case TORCH -> new TorchModel();
      case KERAS -> new KerasModel();
      case NPZ -> new NpzModel();
    };
  }
}
