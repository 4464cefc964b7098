/**
 * HDF5 files, as far as the weights of models are kept in them: groups, datasets of numbers, texts
 * as attributes. The specification is the HDF5 File Format Specification, version 3.0
 * (support.hdfgroup.org); numbers are little-endian.
 *
 * <pre>
 * superblock        0x89 HDF..., widths, base address, end of file, root group
 * object header     version 1, or OHDR with a checksum: messages, each type, length, bytes
 *   dataset         dataspace (shape), datatype, data layout (where the elements are), attributes
 *   group, old      symbol table: TREE nodes lead to SNOD nodes, names stand in a HEAP
 *   group, new      link info: links are messages, or a FRHP heap holds them, indexed by a BTHD tree
 * GCOL              global heap: values of variable length
 * elements          one piece of the file for each contiguous dataset
 * </pre>
 *
 * <p>Nothing outside the file is ever followed. Links that are not hard links, and second names for
 * one object, are refused; so is what weights are never written with: shared messages, filters on
 * heaps, widths other than 8. Datasets in chunks are described, their elements are not read.
 *
 * <p>JDK only, and read here rather than by a library: structures refer to one another freely, and
 * only a reader that meters itself (names, objects, structures, bytes, see {@code Limits}; no
 * recursion anywhere) ends on every file, in bounded memory, with the place of what is wrong. No
 * model, layer or weight is known here: paths are opaque.
 */
package org.sparkbatchnorm.format.hdf5;
