package org.sparkbatchnorm.format.hdf5;

/** How the elements of a dataset are kept. */
public enum Hdf5Storage {
  /** One after the other in one piece of the file. */
  CONTIGUOUS("in one piece"),
  /** One after the other inside the object header, which may have a checksum. */
  COMPACT("inside the object header"),
  /** In chunks, perhaps compressed. */
  CHUNKED("in chunks, perhaps compressed"),
  /** Nowhere: none was ever written. */
  UNWRITTEN("nowhere, as none was ever written");

  private final String words;

  Hdf5Storage(String words) {
    this.words = words;
  }

  /** For messages: where the elements are. */
  public String words() {
    return words;
  }
}
