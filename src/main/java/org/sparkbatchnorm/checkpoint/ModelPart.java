package org.sparkbatchnorm.checkpoint;

import org.sparkbatchnorm.format.ReadableBytes;

/**
 * One of the files that a model consists of.
 *
 * @param name its base name
 * @param bytes the file, open
 */
public record ModelPart(String name, ReadableBytes bytes) {}
