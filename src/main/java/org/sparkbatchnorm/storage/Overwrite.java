package org.sparkbatchnorm.storage;

/** What happens to a file that already stands where an output goes. */
public enum Overwrite {
  /** It stays, and the output is refused. */
  REFUSE,
  /** The output takes its place, all at once. */
  REPLACE
}
