package org.sparkbatchnorm.job;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.sparkbatchnorm.estimator.Estimator;
import org.sparkbatchnorm.estimator.Estimator.IncompleteMiniBatches;
import org.sparkbatchnorm.estimator.NonFinitePolicy;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.DType;

/**
 * A {@link JobSpec} on its way from the defaults over the job file to the command line: each level
 * is applied on top of the last. Every value is converted when it is applied, so that a wrong one
 * is found even where a later level replaces it. Used by one thread and thrown away.
 */
final class JobSpecDraft {
  private List<String> paths;
  private InputFormat format;
  private ChannelLayout layout;
  private Map<String, ChannelLayout> layouts = new LinkedHashMap<>();
  private Pattern layerPattern;
  private List<String> layers = List.of();
  private NonFinitePolicy nonFinite;
  private String layerColumn;
  private String dataColumn;
  private String shapeColumn;
  private String dtypeColumn;
  private String batchColumn;
  private OptionalLong splitSizeBytes = OptionalLong.empty();
  private Set<String> estimators;
  private IncompleteMiniBatches incomplete;
  private Accumulation accumulation;
  private String checkpointPath;
  private DType dtype;
  private double epsilon;
  private boolean overwrite;
  private SettingText report;
  private String reportPath;

  private JobSpecDraft() {}

  /** A draft that holds the defaults. */
  static JobSpecDraft ofDefaults() {
    JobSpecDraft draft = new JobSpecDraft();
    for (Setting setting : Setting.values()) {
      setting
          .defaultText()
          .map(text -> Assignment.ofDefault(setting, text))
          .ifPresent(assignment -> draft.apply(List.of(assignment), new Folder("/")));
    }
    return draft;
  }

  /**
   * Applies one level. A later assignment of a setting replaces an earlier one, a list as a whole;
   * the entries of a map are tried before those of the level before.
   */
  void apply(List<Assignment> level, Folder folder) {
    Map<String, ChannelLayout> before = layouts;
    layouts = new LinkedHashMap<>();
    for (Assignment assignment : level) {
      set(assignment, folder);
    }
    before.forEach(layouts::putIfAbsent);
  }

  private void set(Assignment assignment, Folder folder) {
    SettingText value = assignment.value();
    switch (assignment.setting()) {
      case INPUT_PATHS ->
          paths = assignment.values().stream().map(path -> path.path(folder)).toList();
      case INPUT_FORMAT ->
          format = value.oneOf(Arrays.asList(InputFormat.values()), InputFormat::word);
      case INPUT_LAYOUT -> layout = layout(value);
      case INPUT_LAYOUTS -> layouts.put(assignment.entry(), layout(value));
      case INPUT_LAYER_PATTERN -> layerPattern = value.layerPattern();
      case INPUT_LAYERS -> layers = assignment.values().stream().map(SettingText::word).toList();
      case INPUT_NON_FINITE ->
          nonFinite = value.oneOf(Arrays.asList(NonFinitePolicy.values()), NonFinitePolicy::word);
      case INPUT_COLUMNS_LAYER -> layerColumn = value.word();
      case INPUT_COLUMNS_DATA -> dataColumn = value.word();
      case INPUT_COLUMNS_SHAPE -> shapeColumn = value.word();
      case INPUT_COLUMNS_DTYPE -> dtypeColumn = value.word();
      case INPUT_COLUMNS_BATCH -> batchColumn = value.word();
      case INPUT_SPLIT_SIZE -> splitSizeBytes = OptionalLong.of(value.bytes());
      case STATISTICS_ESTIMATOR -> estimators = estimators(assignment.values());
      case STATISTICS_DROP_INCOMPLETE ->
          incomplete = value.flag() ? IncompleteMiniBatches.DROP : IncompleteMiniBatches.REFUSE;
      case STATISTICS_ACCUMULATOR ->
          accumulation = value.oneOf(Arrays.asList(Accumulation.values()), Accumulation::word);
      case CHECKPOINT_PATH -> checkpointPath = value.checkpointPath(folder);
      case CHECKPOINT_DTYPE ->
          dtype =
              value.oneOf(
                  Arrays.stream(DType.values()).filter(DType::isFloating).toList(), DType::name);
      case CHECKPOINT_EPSILON -> epsilon = value.nonNegative();
      case CHECKPOINT_OVERWRITE -> overwrite = value.flag();
      case REPORT_PATH -> {
        report = value;
        reportPath = value.path(folder);
      }
    }
  }

  private static ChannelLayout layout(SettingText value) {
    return value.oneOf(Arrays.asList(ChannelLayout.values()), ChannelLayout::word);
  }

  private static Set<String> estimators(List<SettingText> values) {
    Set<String> names = new LinkedHashSet<>();
    for (SettingText value : values) {
      String name = value.oneOf(Estimator.names(), known -> known);
      if (!names.add(name)) {
        throw value.wrong(name + " stands twice");
      }
    }
    return names;
  }

  /**
   * The job.
   *
   * @param source what to call the place where a missing setting was looked for
   * @throws JobSpecException if a setting that every job needs is missing
   */
  JobSpec toJobSpec(String source) {
    JobSpec.Input input = toInput(source);
    require(checkpointPath, Setting.CHECKPOINT_PATH, source);
    if (checkpointPath.equals(reportPath)) {
      throw report.wrong("found the path of the checkpoint; expected another");
    }
    return new JobSpec(
        input,
        new JobSpec.Statistics(
            estimators.stream()
                .map(name -> Estimator.ofName(name, incomplete).orElseThrow())
                .collect(Collectors.toUnmodifiableList()),
            incomplete,
            accumulation),
        new JobSpec.Output(checkpointPath, dtype, epsilon, overwrite),
        Optional.ofNullable(reportPath));
  }

  /**
   * The input alone.
   *
   * @param source as for {@link #toJobSpec}
   * @throws JobSpecException if it has no paths
   */
  JobSpec.Input toInput(String source) {
    require(paths, Setting.INPUT_PATHS, source);
    return new JobSpec.Input(
        paths,
        Optional.ofNullable(format),
        layout,
        layouts,
        layerPattern,
        layers,
        nonFinite,
        new JobSpec.Columns(layerColumn, dataColumn, shapeColumn, dtypeColumn, batchColumn),
        splitSizeBytes);
  }

  private static void require(Object value, Setting setting, String source) {
    if (value == null) {
      throw new JobSpecException(
          source
              + ": "
              + setting.key()
              + " is missing; set it in the job file or with "
              + setting.option().orElseThrow());
    }
  }
}
