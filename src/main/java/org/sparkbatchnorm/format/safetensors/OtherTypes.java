package org.sparkbatchnorm.format.safetensors;

/** What becomes of arrays of a type that safetensors knows, and we do not compute with. */
enum OtherTypes {
  REFUSED,
  OPAQUE
}
