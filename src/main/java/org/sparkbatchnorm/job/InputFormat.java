package org.sparkbatchnorm.job;

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
}
