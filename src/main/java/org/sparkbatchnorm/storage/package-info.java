/**
 * Where bytes live: listing inputs, reading them while watching that they do not change, and
 * publishing outputs so that a reader sees the old file, or the new one, or none, and never half of
 * one. Any Hadoop file system; the local disk is one of them. The only room that works with Hadoop;
 * it knows nothing of formats, tensors or statistics.
 */
package org.sparkbatchnorm.storage;
