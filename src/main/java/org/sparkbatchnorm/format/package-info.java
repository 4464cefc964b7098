/**
 * Byte formats, one small package each, used by both ends of the flow: activations are read in them
 * and checkpoints are written in them. Readers are strict: a file is accepted only if every byte of
 * it has one meaning, and any other is a {@link org.sparkbatchnorm.format.MalformedFileException}
 * with a code, the file and the place.
 *
 * <p>Before a header has been validated, a reader allocates at most 1 MiB plus what the header
 * declares, itself limited. Formats see bytes through {@link
 * org.sparkbatchnorm.format.ReadableBytes} and know nothing of Hadoop, layers or statistics.
 */
package org.sparkbatchnorm.format;
