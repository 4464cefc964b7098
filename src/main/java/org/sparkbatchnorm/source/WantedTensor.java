package org.sparkbatchnorm.source;

import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.ChannelView;

/**
 * A tensor that will be read, before layers are numbered and splits are cut.
 *
 * @param layer it belongs to
 * @param key of its mini-batch, if its name tells one
 * @param file where it is
 * @param tensor as the header declares it
 * @param view where its channels are
 */
record WantedTensor(
    String layer, Optional<String> key, StoredFile file, ShardTensor tensor, ChannelView view)
    implements MiniBatchPlanner.Origin {

  /** Length of the outer axis. */
  long rows() {
    return tensor.shape().dimension(0);
  }

  /** Elements of one index of the outermost axis in the file. */
  long outermostElements() {
    int last = tensor.shape().rank() - 1;
    return switch (tensor.order()) {
      case ROW_MAJOR -> tensor.shape().elements(1, last + 1);
      case COLUMN_MAJOR -> tensor.shape().elements(0, last);
    };
  }

  @Override
  public String display() {
    return tensor.name() + " in " + file.display();
  }

  @Override
  public MalformedFileException bad(String code, String reason) {
    return new MalformedFileException(file.display(), tensor.offset(), code, reason);
  }
}
