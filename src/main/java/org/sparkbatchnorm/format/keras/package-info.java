/**
 * Models as Keras 3 saves them: {@code .weights.h5}, an HDF5 file, and {@code .keras}, a zip of it
 * and of the model's configuration.
 *
 * <pre>
 * .keras                             zip, entries stored
 *   metadata.json                    version and date
 *   config.json                      classes, names, settings of the layers
 *   model.weights.h5                 as below
 * .weights.h5                        HDF5
 *   PATH/vars                        group of a layer's own variables; attribute name: its name
 *   PATH/vars/0, 1, ...              variables, trained ones first
 * PATH                               layers/CLASS[_NUMBER] in Sequential and Functional models,
 *                                    ATTRIBUTE[/CLASS[_NUMBER]] elsewhere, one inside the other
 * </pre>
 *
 * <p>Source: keras 3.15, {@code src/saving/saving_lib.py} and {@code
 * layers/normalization/batch_normalization.py}. What the variables of a layer are is told by the
 * configuration where there is one that knows the layer; see {@code VariableRoles} for where there
 * is none. jackson-core reads the configuration. Values are not read here, and no statistics are
 * known.
 */
package org.sparkbatchnorm.format.keras;
