/**
 * What consumes a checkpoint: the layer's forward computation over arrays in memory, for use in any
 * process, with no Spark or Hadoop on its class path.
 *
 * <pre>{@code
 * eval   y = gamma * (x - mean) / sqrt(variance + epsilon) + beta     of the running statistics
 * train  the same of the mini-batch's own mean and biased variance, and
 *        running = keep * running + (1 - keep) * the mini-batch's
 * }</pre>
 *
 * <p>The subtraction comes first, in double: the form {@code x * alpha + (beta - mean * alpha)}
 * that frameworks fold it into loses all digits that x and mean have in common, twice (mean 1e4 and
 * variance 1e-4 leave an error of 0.024 in float). A mini-batch's mean and variance are those of
 * the room {@code statistics}, exact and rounded once: the same in every layout, where a sum of
 * floats is not. What may not enter: files, estimation over datasets, Spark, and anything but the
 * JDK and the rooms {@code layer}, {@code statistics} and {@code tensor}.
 */
package org.sparkbatchnorm.kernel;
