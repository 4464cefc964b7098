/**
 * What consumes a checkpoint: the layer's forward computation over arrays in memory, for use in any
 * process, with no Spark or Hadoop on its class path.
 *
 * <pre>{@code y = gamma * (x - mean) / sqrt(variance + epsilon) + beta}</pre>
 *
 * <p>The subtraction comes first, in double: the form {@code x * alpha + (beta - mean * alpha)}
 * that frameworks fold it into loses all digits that x and mean have in common, twice (mean 1e4 and
 * variance 1e-4 leave an error of 0.024 in float). What may not enter: files, estimation, Spark,
 * and anything but the JDK and the rooms {@code layer} and {@code tensor}.
 */
package org.sparkbatchnorm.kernel;
