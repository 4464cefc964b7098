/**
 * Sufficient statistics of channels: how many values, their mean and their sum of squared
 * deviations, mergeable in any grouping.
 *
 * <pre>{@code
 * delta = mean_b - mean_a,  n = n_a + n_b
 * mean  = mean_a + delta * n_b / n
 * M2    = M2_a + M2_b + delta^2 * n_a * n_b / n      (Chan, Golub, LeVeque 1983, eq. 1.5b)
 * }</pre>
 *
 * <p>{@link org.sparkbatchnorm.statistics.ChannelMoments} is the immutable state of all channels of
 * one array kind, {@link org.sparkbatchnorm.statistics.ChannelMomentsAccumulator} builds it from
 * blocks, {@link org.sparkbatchnorm.statistics.MiniBatchAverages} adds up the moments of whole
 * mini-batches, and {@link org.sparkbatchnorm.statistics.LayerMoments} is what an estimator is
 * given. Which numbers represent the state is private to this room. No files, no Spark, no
 * estimators in here.
 */
package org.sparkbatchnorm.statistics;
