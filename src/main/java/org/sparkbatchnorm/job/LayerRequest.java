package org.sparkbatchnorm.job;

import java.util.Optional;
import java.util.OptionalDouble;
import org.sparkbatchnorm.layer.Convention;

/**
 * Which layer of which checkpoint.
 *
 * @param checkpoint path or URI of a checkpoint or model of any format that is read
 * @param layer its name; may be absent if there is one
 * @param epsilon instead of the convention's and the checkpoint's
 * @param convention instead of what the checkpoint records or its format says
 */
public record LayerRequest(
    String checkpoint,
    Optional<String> layer,
    OptionalDouble epsilon,
    Optional<Convention> convention) {}
