package org.sparkbatchnorm.job;

import java.util.Arrays;
import java.util.Optional;

/** The file formats that activations are read in. */
public enum InputFormat {
  SAFETENSORS("safetensors"),
  NPY("npy"),
  PARQUET("parquet");

  private final String word;

  InputFormat(String word) {
    this.word = word;
  }

  /** The word for it on the command line and in job files; also its file extension. */
  public String word() {
    return word;
  }

  /** The format of this word, exactly as {@link #word()} spells it. */
  public static Optional<InputFormat> ofWord(String word) {
    return Arrays.stream(values()).filter(format -> format.word.equals(word)).findFirst();
  }
}
