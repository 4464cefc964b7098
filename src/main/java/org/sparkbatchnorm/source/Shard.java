package org.sparkbatchnorm.source;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.storage.StoredFile;

/**
 * A file and the tensors in it, ordered by their offset.
 *
 * @param file as it was when its header was read
 * @param metadata strings that the header carries; empty for formats without
 * @param tensors what the header declares
 */
public record Shard(StoredFile file, Map<String, String> metadata, List<ShardTensor> tensors)
    implements Serializable {
  private static final long serialVersionUID = 1L;
}
