package org.sparkbatchnorm.format.hdf5;

import java.util.Map;

/**
 * A group of a file.
 *
 * @param path the names from the root to it, joined by slashes; empty for the root
 * @param attributes those asked for that it has, by name; the text is empty where the value is not
 *     a single text
 */
public record Hdf5Group(String path, Map<String, String> attributes) {}
