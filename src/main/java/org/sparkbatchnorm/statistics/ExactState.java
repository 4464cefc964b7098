package org.sparkbatchnorm.statistics;

/**
 * All that is counted of a layer's values: the exact sums of the finite ones, and how many were
 * not.
 */
record ExactState(ExactSums sums, NonFiniteCounts nonFinite) {}
