package org.sparkbatchnorm.format.zip;

/**
 * What the directory says of an entry.
 *
 * @param name as text
 * @param place offset in the file of this header
 * @param flags general purpose bits
 * @param method compression method
 * @param time last modification, time and date as MS-DOS writes them
 * @param crc32 of the content
 * @param storedBytes length of the data in the file
 * @param size length of the content
 * @param localOffset offset in the file of the local header
 */
record CentralHeader(
    String name,
    long place,
    int flags,
    int method,
    int time,
    int crc32,
    long storedBytes,
    long size,
    long localOffset) {

  boolean hasDescriptor() {
    return (flags & Field.DESCRIPTOR) != 0;
  }
}
