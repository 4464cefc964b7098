/**
 * What a BatchNorm layer is, apart from any framework's file: its running statistics and its affine
 * parameters. Values are doubles; how they are stored is the checkpoint's business. JDK only.
 */
package org.sparkbatchnorm.layer;
