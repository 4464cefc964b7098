package org.sparkbatchnorm.job;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.SafetensorsCheckpoint;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.format.npy.NpyHeader;
import org.sparkbatchnorm.kernel.BatchNorm;
import org.sparkbatchnorm.layer.BatchNormParameters;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.IoFailure;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Overwrite;
import org.sparkbatchnorm.storage.Publication;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.storage.StoredInput;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Evaluates one layer of a checkpoint over an npy file, block by block: the file may be larger than
 * memory. The output has the input's type, shape, byte order and element order. No Spark.
 *
 * @param checkpoint path or URI of a safetensors checkpoint
 * @param layer which layer; may be absent if the checkpoint has one
 * @param epsilon instead of the checkpoint's
 * @param layout of the input
 * @param input path or URI of the npy file
 * @param output where the result goes
 * @param overwrite whether it may replace a file
 */
public record Evaluation(
    String checkpoint,
    Optional<String> layer,
    OptionalDouble epsilon,
    ChannelLayout layout,
    String input,
    String output,
    Overwrite overwrite) {
  private static final Logger LOG = LoggerFactory.getLogger(Evaluation.class);
  private static final int BLOCK_BYTES = 256 * 1024;

  /** PyTorch's and ONNX's, for checkpoints that record none. */
  private static final double DEFAULT_EPSILON = 1e-5;

  /**
   * Reads, normalizes and writes.
   *
   * @throws OutputExistsException if the output exists and may not be replaced; nothing was read
   * @throws JobSpecException if a layer must be named and is not
   * @throws MalformedFileException if the checkpoint or the input is bad, or they do not fit;
   *     nothing was written
   * @throws CommitException if the output could not be written
   */
  public void run(Storage storage)
      throws OutputExistsException, MalformedFileException, CommitException {
    Publication publication = storage.publication(output, overwrite);
    publication.requirePossible();
    BatchNorm batchNorm = batchNorm(storage);
    StoredFile file = storage.file(input);
    try (StoredInput in = storage.open(file)) {
      NpyHeader header = NpyHeader.read(in);
      ChannelView view = view(file, header, batchNorm);
      in.seek(header.dataOffset());
      publication.publish(
          out -> {
            out.write(header.toBytes());
            evaluate(batchNorm, in, header, view, out);
            requireUnchanged(storage, file);
          });
    } catch (OutputExistsException | CommitException e) {
      throw e;
    } catch (IOException e) {
      throw IoFailure.describe(file.display(), e);
    }
  }

  private BatchNorm batchNorm(Storage storage) throws MalformedFileException {
    StoredFile file = storage.file(checkpoint);
    try (StoredInput in = storage.open(file)) {
      Checkpoint read = SafetensorsCheckpoint.decode(in);
      String name = layer.isPresent() ? layer.get() : onlyLayer(file, read);
      double added =
          epsilon.isPresent() ? epsilon.getAsDouble() : read.epsilon().orElse(DEFAULT_EPSILON);
      BatchNormParameters parameters = read.parameters(name, added);
      LOG.info(
          "layer {}: {}, {}, epsilon {}",
          name,
          parameters.gamma().isPresent() ? "weight" : "no weight",
          parameters.beta().isPresent() ? "bias" : "no bias",
          added);
      return BatchNorm.eval(parameters);
    } catch (IllegalArgumentException e) {
      throw new MalformedFileException(
          file.display(), MalformedFileException.NO_OFFSET, "VARIANCE", e.getMessage());
    } catch (IOException e) {
      throw IoFailure.describe(file.display(), e);
    }
  }

  private static String onlyLayer(StoredFile file, Checkpoint checkpoint) {
    if (checkpoint.layers().size() != 1) {
      throw new JobSpecException(
          "--layer is needed: "
              + file.display()
              + " has the layers "
              + checkpoint.layers().keySet().stream()
                  .map(Printable::escape)
                  .collect(Collectors.joining(", ")));
    }
    return checkpoint.layers().keySet().iterator().next();
  }

  private ChannelView view(StoredFile file, NpyHeader header, BatchNorm batchNorm)
      throws MalformedFileException {
    if (!header.dtype().isFloating()) {
      throw new MalformedFileException(
          file.display(),
          0,
          "DTYPE",
          "the array holds " + header.dtype() + ", but floats are expected");
    }
    try {
      ChannelView view = layout.view(header.shape(), header.order());
      batchNorm.requireChannels(view);
      return view;
    } catch (IllegalArgumentException e) {
      throw new MalformedFileException(
          file.display(), 0, "SHAPE_MISMATCH", "shape " + header.shape() + ": " + e.getMessage());
    }
  }

  private static void evaluate(
      BatchNorm batchNorm, StoredInput in, NpyHeader header, ChannelView view, OutputStream out)
      throws IOException {
    byte[] bytes = new byte[BLOCK_BYTES];
    int width = header.dtype().bytes();
    long left = view.elements() * width;
    for (long element = 0; left > 0; ) {
      int count = (int) Math.min(left, BLOCK_BYTES);
      readNext(in, bytes, count);
      ByteBuffer block = ByteBuffer.wrap(bytes, 0, count).order(header.byteOrder());
      batchNorm.apply(
          new TensorBlock(header.dtype(), block, view, element),
          block.duplicate().order(header.byteOrder()));
      out.write(bytes, 0, count);
      element += count / width;
      left -= count;
    }
  }

  /** What was written over while it was read would be a mixture. */
  private static void requireUnchanged(Storage storage, StoredFile file)
      throws MalformedFileException {
    try {
      storage.requireUnchanged(file);
    } catch (IOException e) {
      throw IoFailure.describe(file.display(), e);
    }
  }

  /** A failure to read is told apart from a failure to write. */
  private static void readNext(StoredInput in, byte[] bytes, int count)
      throws MalformedFileException {
    try {
      in.readNext(bytes, 0, count);
    } catch (IOException e) {
      throw IoFailure.describe(in.name(), e);
    }
  }
}
