package org.sparkbatchnorm.source;

import java.io.Serializable;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;

/**
 * A tensor that will be read.
 *
 * @param ordinal its place in the plan, counted over all files
 * @param layer index of its layer in the plan
 * @param file where it is
 * @param name its whole name
 * @param dtype type of the elements
 * @param ordering byte order of an element
 * @param view where its channels are
 * @param offset of the first element, in bytes from the start of the file
 * @param miniBatches that its elements belong to
 */
public record PlannedTensor(
    long ordinal,
    int layer,
    StoredFile file,
    String name,
    DType dtype,
    ByteOrdering ordering,
    ChannelView view,
    long offset,
    MiniBatches miniBatches)
    implements Serializable {
  private static final long serialVersionUID = 1L;

  /** What messages call it. */
  public String display() {
    return name + " in " + file.display();
  }
}
