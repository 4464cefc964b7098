/**
 * safetensors files: a JSON header that names arrays, and their bytes without gap or overlap.
 *
 * <pre>
 * bytes           what
 * 0 .. 7          H, the header's length: unsigned 64-bit, little-endian
 * 8 .. 8+H-1      header: one JSON object in UTF-8, padded with spaces
 * 8+H .. end      data: the arrays' elements, little-endian, row-major
 *
 * header          {"__metadata__": {KEY: STRING, ...}, NAME: ENTRY, ...}
 * ENTRY           {"dtype": WORD, "shape": [N, ...], "data_offsets": [BEGIN, END]}, relative to 8+H
 * </pre>
 *
 * <p>The reader accepts what the reference accepts (huggingface/safetensors, {@code tensor.rs},
 * {@code read_metadata} and {@code validate}) less what has two meanings: duplicate keys, unknown
 * fields, lone surrogates. It has limits of its own on names, metadata, ranks and the number of
 * tensors, so that no header makes it allocate much more than it holds.
 *
 * <p>JDK only. The header is scanned here and not by a JSON library: each problem has its code and
 * byte offset, limits hold before a string is built, no encoding but UTF-8 is guessed, and the
 * result does not depend on the library version that a cluster brings. No activations, layers or
 * statistics here: names are opaque.
 */
package org.sparkbatchnorm.format.safetensors;
