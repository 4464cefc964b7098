package org.sparkbatchnorm.job;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.sparkbatchnorm.checkpoint.ModelFormat;
import org.sparkbatchnorm.estimator.Estimator;
import org.sparkbatchnorm.estimator.Estimator.IncompleteMiniBatches;
import org.sparkbatchnorm.estimator.NonFinitePolicy;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.source.MiniBatching;
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
  private MiniBatching miniBatching;
  private Optional<OptionalDouble> momentum = Optional.empty();
  private JobSpec.Initial initial;
  private IncompleteMiniBatches incomplete;
  private Accumulation accumulation;
  private String checkpointPath;
  private String modelPath;
  private String stateDict;
  private Map<String, String> modelNames = new LinkedHashMap<>();
  private Convention convention;
  private DType dtype;
  private OptionalDouble epsilon = OptionalDouble.empty();
  private boolean overwrite;
  private String reportPath;

  /** What was said last of each setting, for messages about settings that do not fit together. */
  private final Map<Setting, SettingText> said = new EnumMap<>(Setting.class);

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
    Map<String, ChannelLayout> layoutsBefore = layouts;
    Map<String, String> namesBefore = modelNames;
    layouts = new LinkedHashMap<>();
    modelNames = new LinkedHashMap<>();
    for (Assignment assignment : level) {
      set(assignment, folder);
    }
    layoutsBefore.forEach(layouts::putIfAbsent);
    namesBefore.forEach(modelNames::putIfAbsent);
  }

  private void set(Assignment assignment, Folder folder) {
    SettingText value = assignment.value();
    said.put(assignment.setting(), value);
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
      case STATISTICS_MINI_BATCH -> miniBatching = value.miniBatching();
      case STATISTICS_MOMENTUM -> momentum = Optional.of(value.momentum());
      case STATISTICS_INITIAL ->
          initial = value.oneOf(Arrays.asList(JobSpec.Initial.values()), JobSpec.Initial::word);
      case STATISTICS_DROP_INCOMPLETE ->
          incomplete = value.flag() ? IncompleteMiniBatches.DROP : IncompleteMiniBatches.REFUSE;
      case STATISTICS_ACCUMULATOR ->
          accumulation = value.oneOf(Arrays.asList(Accumulation.values()), Accumulation::word);
      case CHECKPOINT_PATH -> checkpointPath = value.path(folder);
      case CHECKPOINT_MODEL -> modelPath = value.modelPath(folder);
      case CHECKPOINT_STATE_DICT -> stateDict = value.word();
      case CHECKPOINT_NAMES -> modelNames.put(assignment.entry(), value.word());
      case CHECKPOINT_CONVENTION ->
          convention = value.oneOf(Arrays.asList(Convention.values()), Convention::word);
      case CHECKPOINT_DTYPE ->
          dtype =
              value.oneOf(
                  Arrays.stream(DType.values()).filter(DType::isFloating).toList(), DType::name);
      case CHECKPOINT_EPSILON -> epsilon = OptionalDouble.of(value.nonNegative());
      case CHECKPOINT_OVERWRITE -> overwrite = value.flag();
      case REPORT_PATH -> reportPath = value.path(folder);
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
   * @throws JobSpecException if a setting that every job needs is missing, or settings do not fit
   *     together
   */
  JobSpec toJobSpec(String source) {
    if (modelPath == null) {
      requireNoModelNeeded();
    }
    JobSpec.Input input = toInput(source);
    require(checkpointPath, Setting.CHECKPOINT_PATH, source);
    if (checkpointPath.equals(reportPath)) {
      throw said.get(Setting.REPORT_PATH)
          .wrong("found the path of the checkpoint; expected another");
    }
    return new JobSpec(input, toStatistics(), toOutput(), Optional.ofNullable(reportPath));
  }

  private void requireNoModelNeeded() {
    if (checkpointPath != null) {
      said.get(Setting.CHECKPOINT_PATH).requireCheckpointPath();
    }
    if (initial == JobSpec.Initial.MODEL) {
      throw needsModel(Setting.STATISTICS_INITIAL);
    }
    if (stateDict != null) {
      throw needsModel(Setting.CHECKPOINT_STATE_DICT);
    }
    if (!modelNames.isEmpty()) {
      throw needsModel(Setting.CHECKPOINT_NAMES);
    }
  }

  private JobSpecException needsModel(Setting setting) {
    return said.get(setting)
        .wrong("there is no model; set checkpoint.model in the job file or with --model");
  }

  private JobSpec.Statistics toStatistics() {
    Estimator.Options options =
        momentum
            .map(own -> new Estimator.Options(incomplete, toConvention(), own))
            .orElseGet(() -> Estimator.Options.of(incomplete, toConvention()));
    if (initial == JobSpec.Initial.MODEL && options.momentum().isEmpty()) {
      throw said.get(Setting.STATISTICS_INITIAL)
          .wrong("a cumulative average (momentum none) starts from nothing");
    }
    return new JobSpec.Statistics(
        estimators.stream()
            .map(name -> Estimator.ofName(name, options).orElseThrow())
            .collect(Collectors.toUnmodifiableList()),
        options,
        miniBatching,
        initial,
        accumulation);
  }

  /**
   * The output alone, which is a copy of a model.
   *
   * @param source as for {@link #toJobSpec}
   * @throws JobSpecException if the model or the path is missing
   */
  JobSpec.Output toModelCopy(String source) {
    require(modelPath, Setting.CHECKPOINT_MODEL, source);
    require(checkpointPath, Setting.CHECKPOINT_PATH, source);
    return toOutput();
  }

  private JobSpec.Output toOutput() {
    if (modelPath != null) {
      said.get(Setting.CHECKPOINT_PATH).requireNameOf(ModelFormat.ofPath(modelPath).orElseThrow());
    }
    return new JobSpec.Output(
        checkpointPath,
        Optional.ofNullable(modelPath)
            .map(path -> new JobSpec.Model(path, Optional.ofNullable(stateDict), modelNames)),
        toConvention(),
        dtype,
        epsilon.orElse(toConvention().epsilon()),
        overwrite);
  }

  private Convention toConvention() {
    if (convention != null) {
      return convention;
    }
    return modelPath == null
        ? Convention.PYTORCH
        : ModelFormat.ofPath(modelPath).orElseThrow().convention();
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
