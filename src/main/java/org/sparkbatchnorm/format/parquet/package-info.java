/**
 * Parquet files: the values of one column, row by row, straight from its pages.
 *
 * <pre>
 * bytes                what
 * 0 .. 3               P A R 1
 * a column chunk       pages: a header in Thrift's compact protocol, then its bytes, compressed or
 *                      not; the first may be a dictionary
 * a page, version 1    repetition levels and definition levels, each behind its length (4 bytes), if
 *                      there are any, and the values
 * at the end           the footer (schema, row groups, where their chunks are), its length (4
 *                      bytes), P A R 1
 * </pre>
 *
 * <p>Format: <a href="https://github.com/apache/parquet-format">apache/parquet-format</a>
 * (README.md, Encodings.md, LogicalTypes.md); levels as in Melnik et al., "Dremel" (VLDB 2010,
 * section 4). parquet-java reads footer and page headers, and what is neither plain nor a
 * dictionary; what is, as nearly all numbers are, goes from a page to its reader without a copy.
 * Memory: one page, the dictionary, and what they are unpacked from; not a whole column chunk.
 *
 * <p>Files that are encrypted are not for this package. No rows of other columns, no layers here.
 */
package org.sparkbatchnorm.format.parquet;
