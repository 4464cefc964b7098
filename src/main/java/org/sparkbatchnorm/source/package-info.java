/**
 * Activations as they lie in files: which tensors are whose, cut into splits, read back block by
 * block.
 *
 * <p>Splits are planned from headers alone and depend on nothing but the files and the split size,
 * so that every split is a pure function of its input and can be read again after a failure.
 * Reading needs one block of memory, whatever the size of the tensor. No statistics and no Spark in
 * here.
 */
package org.sparkbatchnorm.source;
