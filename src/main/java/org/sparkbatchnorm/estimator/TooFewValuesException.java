package org.sparkbatchnorm.estimator;

/**
 * A channel or mini-batch has too few values for the estimator; the message says which, how many,
 * and what is needed.
 */
public final class TooFewValuesException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  TooFewValuesException(String message) {
    super(message);
  }
}
