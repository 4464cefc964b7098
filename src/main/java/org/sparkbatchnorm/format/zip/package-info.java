/**
 * Zip archives, read strictly and written plainly: what {@code .pt}, {@code .npz} and {@code
 * .keras} files are.
 *
 * <pre>
 * records           for each entry: local header (30 bytes, name, extra fields), data as stored,
 *                   and a data descriptor (CRC-32, sizes) where flag bit 3 says so
 * directory         for each entry: central header (46 bytes, name, extra fields, comment)
 * [zip64 end]       56 bytes and a locator of 20, where a number needs more than 32 bits
 * end               22 bytes, the last of the file
 * </pre>
 *
 * <p>Format: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5. Accepted is what has one meaning whichever
 * end a reader starts from: records follow each other without gap or overlap from the first byte to
 * the directory, every local header says what the directory says, and names are unique and stay
 * inside. Entries are stored or deflated. No split archives, no encryption, no archive comment, no
 * bytes before or after.
 *
 * <p>Names are opaque: nothing is ever extracted. JDK only; {@code java.util.zip.ZipFile} is of no
 * use here, because it needs a local file and trusts the directory alone.
 */
package org.sparkbatchnorm.format.zip;
