/**
 * npy files: one array of numpy, behind a header that is a Python dict literal.
 *
 * <pre>
 * bytes           what
 * 0 .. 5          0x93 N U M P Y
 * 6, 7            version: 1.0, 2.0 or 3.0
 * 8 .. 9          L, the header's length, little-endian (1.0); 8 .. 11 in 2.0 and 3.0
 * then L bytes    {'descr': '&lt;f4', 'fortran_order': False, 'shape': (3, 4), }, padded with spaces
 *                 and a line feed
 * to the end      the elements, in the byte order of descr, in C or Fortran order
 * </pre>
 *
 * <p>Format: numpy/lib/format.py ("Format Version 1.0" and following). The literal is parsed, never
 * evaluated, and only this dict with these three keys is understood; pickled objects are refused.
 * JDK only; no activations or layers here.
 */
package org.sparkbatchnorm.format.npy;
