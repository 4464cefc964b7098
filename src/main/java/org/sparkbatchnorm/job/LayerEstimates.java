package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.estimator.Estimator;
import org.sparkbatchnorm.estimator.NonFinitePolicy;
import org.sparkbatchnorm.estimator.TooFewValuesException;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.Fingerprint;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.tensor.DType;

/**
 * What the estimators make of everything that was counted.
 *
 * @param layers in the order of their names
 * @param fingerprint SHA-256 of all exact moments; empty for Welford's
 */
record LayerEstimates(List<RunReport.Layer> layers, Optional<String> fingerprint) {
  /**
   * Estimates all layers.
   *
   * @param checkpoint where the first estimator's go
   * @throws TooFewValuesException if a layer has too few for an estimator
   * @throws MalformedFileException if a layer has no place in the checkpoint
   */
  static LayerEstimates of(
      ScanState state, JobSpec spec, Counting counting, CheckpointOutput checkpoint)
      throws MalformedFileException {
    List<Estimator> estimators = estimators(state, spec.statistics(), checkpoint);
    List<RunReport.Layer> layers = new ArrayList<>();
    Map<String, byte[]> canonicalBytes = new HashMap<>();
    for (Map.Entry<String, LayerScan> entry : state.layers().entrySet()) {
      LayerMoments moments = entry.getValue().moments(entry.getKey());
      Optional<byte[]> bytes = moments.pooled().canonicalBytes();
      bytes.ifPresent(exact -> canonicalBytes.put(moments.layer(), exact));
      layers.add(
          layer(
              moments,
              estimators,
              spec,
              counting,
              checkpoint.dtype(moments.layer()),
              bytes.map(Fingerprint::ofLayer)));
    }
    return new LayerEstimates(
        layers,
        canonicalBytes.size() == layers.size()
            ? Optional.of(Fingerprint.ofDataset(canonicalBytes))
            : Optional.empty());
  }

  /** The estimators that the job names, starting from the model where it says so. */
  private static List<Estimator> estimators(
      ScanState state, JobSpec.Statistics statistics, CheckpointOutput checkpoint)
      throws MalformedFileException {
    if (statistics.initial() == JobSpec.Initial.FRESH) {
      return statistics.estimators();
    }
    Map<String, RunningStatistics> initial = new HashMap<>();
    for (String layer : state.layers().keySet()) {
      initial.put(layer, checkpoint.initial(layer).orElseThrow());
    }
    return statistics.estimators().stream()
        .map(estimator -> estimator.startingFrom(initial))
        .toList();
  }

  private static RunReport.Layer layer(
      LayerMoments moments,
      List<Estimator> estimators,
      JobSpec spec,
      Counting counting,
      DType dtype,
      Optional<String> fingerprint) {
    NonFinitePolicy policy = spec.input().nonFinite();
    RunningStatistics pooled = Estimator.pooledBiased().estimate(moments, policy, DType.F64);
    Map<String, RunningStatistics> statistics = new LinkedHashMap<>();
    for (Estimator estimator : estimators) {
      statistics.put(estimator.name(), estimator.estimate(moments, policy, DType.F64));
    }
    Estimator stored = estimators.get(0);
    return new RunReport.Layer(
        moments,
        pooled,
        statistics,
        sideBySide(moments, spec, counting),
        dtype,
        stored.estimate(moments, policy, dtype),
        target -> stored.estimate(moments, policy, target),
        fingerprint);
  }

  private static Map<String, Optional<RunningStatistics>> sideBySide(
      LayerMoments moments, JobSpec spec, Counting counting) {
    Map<String, Optional<RunningStatistics>> statistics = new LinkedHashMap<>();
    if (counting.keepsMiniBatches()) {
      Estimator paper = Estimator.paper(spec.statistics().options().incomplete());
      for (Estimator estimator : List.of(paper, Estimator.pooledUnbiased())) {
        statistics.put(estimator.name(), ifDefined(estimator, moments, spec.input().nonFinite()));
      }
    }
    return statistics;
  }

  private static Optional<RunningStatistics> ifDefined(
      Estimator estimator, LayerMoments moments, NonFinitePolicy policy) {
    try {
      return Optional.of(estimator.estimate(moments, policy, DType.F64));
    } catch (TooFewValuesException e) {
      return Optional.empty();
    }
  }
}
