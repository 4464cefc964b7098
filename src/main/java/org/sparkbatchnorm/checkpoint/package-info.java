/**
 * Running statistics as models keep them: per layer a mean and a variance of C channels, perhaps a
 * scale and a shift, perhaps the number of mini-batches seen, and metadata beside them.
 *
 * <pre>
 * what         PyTorch                       Keras                      written as
 * mean         LAYER.running_mean            LAYER.moving_mean          dtype chosen, [C]
 * variance     LAYER.running_var             LAYER.moving_variance      dtype chosen, [C]
 * gamma        LAYER.weight                  LAYER.gamma                dtype chosen, [C]
 * beta         LAYER.bias                    LAYER.beta                 dtype chosen, [C]
 * batches      LAYER.num_batches_tracked     -                          I64, []
 * </pre>
 *
 * <p>In npz files: {@code LAYER/mean}, {@code LAYER/variance}, {@code LAYER/gamma}, {@code
 * LAYER/beta}. New files of other formats have PyTorch's names; every naming is read, with {@code
 * /} in place of the last dot as well, and a bare module has its names without {@code LAYER.}.
 * Values are rounded once, from double to the dtype of the file. One class per format turns a
 * {@link org.sparkbatchnorm.checkpoint.Checkpoint} into bytes and back; where the bytes go is not
 * known here: no Hadoop, no Spark.
 */
package org.sparkbatchnorm.checkpoint;
