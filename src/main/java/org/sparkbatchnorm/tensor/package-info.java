/**
 * The words for arrays in memory that every other room speaks: element type, shape, and where a
 * channel's values stand.
 *
 * <p>An array of any rank is seen as three axes in the order of its bytes, {@code [outer, channels,
 * inner]}; the channel of the element at position {@code i} is
 *
 * <pre>{@code channel(i) = (i / inner) mod channels}</pre>
 *
 * <p>so that one loop serves NCHW ({@code outer = N, inner = H*W}), NHWC ({@code outer = N*H*W,
 * inner = 1}), and arrays stored in Fortran order. Nothing here reads files or computes statistics;
 * JDK only.
 */
package org.sparkbatchnorm.tensor;
