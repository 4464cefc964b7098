package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.Model;
import org.sparkbatchnorm.checkpoint.ModelFormat;
import org.sparkbatchnorm.checkpoint.TypedStatistics;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;

/**
 * Puts saved statistics into a copy of a model, without reading activations again. Each value is
 * rounded from the file of the statistics to the type that the model has there. No Spark.
 *
 * @param statistics path or URI of a checkpoint
 * @param output the copy, and the model that it is a copy of
 */
public record ModelUpdate(String statistics, JobSpec.Output output) {

  /**
   * Reads both, and writes the copy.
   *
   * @return what was written, a line each
   * @throws JobSpecException if the name of the statistics says no format, or the job names a layer
   *     that is not among them
   * @throws OutputExistsException if the output exists and may not be replaced
   * @throws MalformedFileException if a file is bad, or they do not fit
   * @throws CommitException if the output could not be written
   */
  public List<String> run(Storage storage)
      throws OutputExistsException, MalformedFileException, CommitException {
    JobSpec.Model model = output.model().orElseThrow();
    String file = StoredFile.display(statistics);
    ModelFormat format = format();
    Checkpoint saved = Model.read(storage, statistics, format);
    Map<String, Provenance> recorded = Provenance.of(file, saved);
    try (ModelCopy copy = ModelCopy.open(storage, output, model)) {
      copy.requirePossible();
      Map<String, TypedStatistics> byLayer = new LinkedHashMap<>();
      Map<String, Integer> channels = new LinkedHashMap<>();
      saved.layers().forEach((name, layer) -> channels.put(name, layer.channels()));
      copy.requireLayers(channels);
      for (Map.Entry<String, CheckpointLayer> layer : saved.layers().entrySet()) {
        String name = layer.getKey();
        byLayer.put(
            name, typed(copy, name, Provenance.withMiniBatches(layer.getValue(), name, recorded)));
      }
      List<String> warnings = new ArrayList<>(copy.warnings(saved.layers().keySet()));
      VarianceKindChange.of(file, saved, RecordedConvention.of(file, saved, format), recorded)
          .mismatch(copy.convention())
          .ifPresent(warnings::add);
      copy.publish(copy.patched(byLayer));
      List<String> lines = new ArrayList<>();
      lines.add(
          "wrote "
              + Printable.escape(StoredFile.display(output.path()))
              + ": "
              + Quantity.of(saved.layers().size(), "layer")
              + " of "
              + Printable.escape(file)
              + " in a copy of "
              + Printable.escape(StoredFile.display(model.path())));
      warnings.forEach(sentence -> lines.add("warning: " + sentence));
      return lines;
    }
  }

  private ModelFormat format() {
    return ModelFormat.ofPath(statistics)
        .orElseThrow(
            () -> JobSpecException.ofSuffix("--statistics", statistics, ModelFormat.allSuffixes()));
  }

  /** Where the statistics do not say how many mini-batches they come from, the model's stays. */
  private static TypedStatistics typed(ModelCopy copy, String name, CheckpointLayer layer)
      throws MalformedFileException {
    long batches =
        layer.batchesTracked().isPresent()
            ? Math.max(0, layer.batchesTracked().getAsLong())
            : copy.initial(name).orElseThrow().miniBatches();
    return TypedStatistics.of(layer, batches);
  }
}
