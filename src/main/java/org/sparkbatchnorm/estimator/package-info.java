/**
 * From moments to running statistics: which of the different numbers called "running variance" is
 * wanted, as an explicit choice. With mini-batches b of n_b values, means mu_b and unbiased
 * variances u_b, N = sum n_b:
 *
 * <pre>
 *                   mean              variance
 * pooled-unbiased   sum x / N         M2 / (N - 1)
 * pooled-biased     sum x / N         M2 / N
 * paper             1/B sum mu_b      1/B sum u_b       (arXiv 1502.03167, Algorithm 2)
 * moving-average    r <- keep r + fresh v_b, on mu_b and on u_b or the biased variance
 * </pre>
 *
 * <p>{@link org.sparkbatchnorm.estimator.MiniBatchSpread} tells whether {@code paper} misses what
 * is between mini-batches. No files, no Spark, no names of tensors.
 */
package org.sparkbatchnorm.estimator;
