package org.sparkbatchnorm.format.safetensors;

/** Where an array stands, whatever it holds. */
interface PlacedArray {
  String name();

  long offset();

  long bytes();

  /** Offset in the file of the byte after the last. */
  default long end() {
    return offset() + bytes();
  }
}
