package org.sparkbatchnorm.format.npy;

import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/**
 * What the dict of an npy header says.
 *
 * @param descr numpy's word for the type of the elements
 * @param order which axis varies fastest
 * @param shape axis lengths
 */
record NpyDict(String descr, ElementOrder order, Shape shape) {}
