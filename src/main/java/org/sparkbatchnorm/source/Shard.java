package org.sparkbatchnorm.source;

import java.io.Serializable;
import java.util.List;
import org.sparkbatchnorm.storage.StoredFile;

/**
 * A file and the tensors in it, ordered by their offset.
 *
 * @param file as it was when its header was read
 * @param tensors what the header declares
 */
public record Shard(StoredFile file, List<ShardTensor> tensors) implements Serializable {
  private static final long serialVersionUID = 1L;
}
