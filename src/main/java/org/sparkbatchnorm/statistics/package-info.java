/**
 * Sufficient statistics of channels: how many values, and what mean and variance are made of,
 * mergeable in any grouping.
 *
 * <pre>{@code
 * exact    n, S = sum x, Q = sum x^2 as fixed-point integers; merging is addition;
 *          mean = S / n, variance = (n Q - S^2) / (n (n - 1)), rounded once
 * welford  n, mean, M2 as doubles; merging is Chan, Golub, LeVeque 1983, eq. 1.5b
 * }</pre>
 *
 * <p>{@link org.sparkbatchnorm.statistics.ChannelMoments} is the immutable state of all channels of
 * a layer, {@link org.sparkbatchnorm.statistics.ChannelMomentsAccumulator} builds it from blocks,
 * {@link org.sparkbatchnorm.statistics.MiniBatchAccumulator} adds up the means and variances of
 * whole mini-batches, and {@link org.sparkbatchnorm.statistics.LayerMoments} is what an estimator
 * is given. Which numbers represent a state is private to this room, and so are the kernels that
 * fill it: {@link org.sparkbatchnorm.statistics.ExactKernels} chooses one, all give the same bits.
 * No files, no Spark, no estimators in here.
 */
package org.sparkbatchnorm.statistics;
