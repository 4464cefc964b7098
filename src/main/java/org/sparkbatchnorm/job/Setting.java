package org.sparkbatchnorm.job;

import java.util.Arrays;
import java.util.Optional;

/**
 * The one table of settings: what a job file may hold, what {@code --set KEY=VALUE} reaches, and
 * which settings have an option of their own. Keys are dotted; in a job file every dot is a level
 * of nesting.
 */
public enum Setting {
  INPUT_PATHS(
      "input.paths",
      "--input",
      "URI",
      Kind.LIST,
      null,
      "File, folder (recursive) or glob of any Hadoop file system; required. Repeatable."),
  INPUT_FORMAT(
      "input.format",
      "--format",
      "FORMAT",
      Kind.SCALAR,
      null,
      "safetensors, npy or parquet; by extension if not said."),
  INPUT_LAYOUT(
      "input.layout",
      "--layout",
      "LAYOUT",
      Kind.SCALAR,
      "channels-first",
      "channels-first, channels-last, or NC NCL NLC NCHW NHWC NCDHW NDHWC, which also check the"
          + " rank."),
  INPUT_LAYOUTS(
      "input.layouts",
      null,
      "GLOB=LAYOUT",
      Kind.MAP,
      null,
      "Layer glob to layout; the first glob that matches decides. All after input.layouts. in --set"
          + " input.layouts.GLOB=LAYOUT is the glob, dots included; it comes before those of the"
          + " job file."),
  INPUT_LAYER_PATTERN(
      "input.layer-pattern",
      "--layer-pattern",
      "REGEX",
      Kind.SCALAR,
      "(?<layer>.+?)(/(?<batch>[0-9]+))?",
      "Matched against the whole name of a tensor; group layer names the layer, group batch the"
          + " mini-batch."),
  INPUT_LAYERS(
      "input.layers",
      "--layers",
      "GLOB",
      Kind.LIST,
      null,
      "Which layers to use, * and ? over the whole name; all if not said. Repeatable."),
  INPUT_NON_FINITE(
      "input.non-finite",
      "--non-finite",
      "POLICY",
      Kind.SCALAR,
      "fail",
      "fail, skip (left out of n) or propagate (that channel becomes NaN)."),
  INPUT_COLUMNS_LAYER(
      "input.columns.layer", null, "NAME", Kind.SCALAR, "layer", "Parquet column of layer names."),
  INPUT_COLUMNS_DATA(
      "input.columns.data", null, "NAME", Kind.SCALAR, "data", "Parquet column of values."),
  INPUT_COLUMNS_SHAPE(
      "input.columns.shape", null, "NAME", Kind.SCALAR, "shape", "Parquet column of shapes."),
  INPUT_COLUMNS_DTYPE(
      "input.columns.dtype", null, "NAME", Kind.SCALAR, "dtype", "Parquet column of types."),
  INPUT_COLUMNS_BATCH(
      "input.columns.batch", null, "NAME", Kind.SCALAR, "batch", "Parquet column of mini-batches."),
  INPUT_SPLIT_SIZE(
      "input.split-size",
      "--split-size",
      "BYTES",
      Kind.SCALAR,
      null,
      "Largest piece that a task reads, in bytes or with KiB, MiB, GiB; by the data if not said."
          + " The result never depends on it."),
  STATISTICS_ESTIMATOR(
      "statistics.estimator",
      "--estimator",
      "NAME[,NAME...]",
      Kind.COMMA_LIST,
      "pooled-unbiased",
      "pooled-unbiased, pooled-biased, paper, moving-average, separated by commas; the first goes"
          + " into the checkpoint, all into the report."),
  STATISTICS_MINI_BATCH(
      "statistics.mini-batch",
      "--mini-batch",
      "KIND",
      Kind.SCALAR,
      "tensor",
      "tensor (each is one), key (equal group batch of the name, or batch column, across files), or"
          + " a number of consecutive rows of a tensor's outer axis."),
  STATISTICS_MOMENTUM(
      "statistics.momentum",
      "--momentum",
      "NUMBER",
      Kind.SCALAR,
      null,
      "Of moving-average, in the convention's own meaning, or none for the cumulative average; the"
          + " convention's if not said."),
  STATISTICS_INITIAL(
      "statistics.initial",
      "--initial",
      "WORD",
      Kind.SCALAR,
      "fresh",
      "Where a moving average starts: fresh (mean 0, variance 1) or model (what --model holds)."),
  STATISTICS_DROP_INCOMPLETE(
      "statistics.drop-incomplete",
      "--drop-incomplete",
      "",
      Kind.FLAG,
      "false",
      "Leave out mini-batches with one value per channel, which have no unbiased variance."),
  STATISTICS_ACCUMULATOR(
      "statistics.accumulator",
      "--accumulator",
      "NAME",
      Kind.SCALAR,
      "exact",
      "exact (the same bits whatever the splits and their order) or welford (24 bytes a channel,"
          + " right to rounding)."),
  CHECKPOINT_PATH(
      "checkpoint.path",
      "--output",
      "URI",
      Kind.SCALAR,
      null,
      "The checkpoint to write, *.safetensors, *.pt or *.npz, or a copy of the model; required."
          + " Missing parent folders are made."),
  CHECKPOINT_MODEL(
      "checkpoint.model",
      "--model",
      "FILE",
      Kind.SCALAR,
      null,
      "Write a copy of this model file in which only the running statistics are new."),
  CHECKPOINT_STATE_DICT(
      "checkpoint.state-dict",
      null,
      "KEY",
      Kind.SCALAR,
      null,
      "Key of the state dict inside the model's .pt file; found if not said."),
  CHECKPOINT_NAMES(
      "checkpoint.names",
      null,
      "LAYER=MODEL-LAYER",
      Kind.MAP,
      null,
      "Layer of the activations to layer of the model; equal names, but for module. and _orig_mod.,"
          + " if not said."),
  CHECKPOINT_CONVENTION(
      "checkpoint.convention",
      "--convention",
      "NAME",
      Kind.SCALAR,
      null,
      "pytorch, keras, keras-fused, flax or onnx: epsilon, momentum and its meaning, the running"
          + " variance, and names in a new checkpoint; pytorch, or that of the model's format, if"
          + " not said."),
  CHECKPOINT_DTYPE(
      "checkpoint.dtype",
      "--dtype",
      "DTYPE",
      Kind.SCALAR,
      "F32",
      "F64, F32, F16 or BF16; rounded once from the exact value."),
  CHECKPOINT_EPSILON(
      "checkpoint.epsilon",
      "--epsilon",
      "NUMBER",
      Kind.SCALAR,
      null,
      "Recorded for whoever evaluates; 0 or more. The convention's if not said."),
  CHECKPOINT_OVERWRITE(
      "checkpoint.overwrite",
      "--overwrite",
      "",
      Kind.FLAG,
      "false",
      "Replace an existing output, which is refused otherwise."),
  REPORT_PATH(
      "report.path",
      "--report",
      "URI",
      Kind.SCALAR,
      null,
      "The whole result as one JSON document, with every channel.");

  /** What values a setting takes. */
  public enum Kind {
    /** One value. */
    SCALAR,
    /** {@code true} or {@code false}; the option takes no argument and means {@code true}. */
    FLAG,
    /** One value or a list in a job file; one value on each of several options. */
    LIST,
    /** A list in a job file, or values separated by commas anywhere; not repeatable. */
    COMMA_LIST,
    /** A mapping in a job file; entry by entry with {@code --set}. */
    MAP
  }

  private final String key;
  private final String option;
  private final String argument;
  private final Kind kind;
  private final String defaultText;
  private final String description;

  Setting(
      String key,
      String option,
      String argument,
      Kind kind,
      String defaultText,
      String description) {
    this.key = key;
    this.option = option;
    this.argument = argument;
    this.kind = kind;
    this.defaultText = defaultText;
    this.description = description;
  }

  /** The key in job files and for {@code --set}, such as {@code input.layout}. */
  public String key() {
    return key;
  }

  /** The option of its own, such as {@code --layout}, if it has one. */
  public Optional<String> option() {
    return Optional.ofNullable(option);
  }

  /** The label of the option's argument, or of a map's entry, in texts; empty for a flag. */
  public String argument() {
    return argument;
  }

  /** What values it takes. */
  public Kind kind() {
    return kind;
  }

  /** What stands if nothing is said, as it would be written; empty if there is no such value. */
  public Optional<String> defaultText() {
    return Optional.ofNullable(defaultText);
  }

  /** One sentence or two for help texts. */
  public String description() {
    return description;
  }

  /** How {@code --set} takes it: the key, and for a map what stands for the key of an entry. */
  String keyForSet() {
    return kind == Kind.MAP ? key + "." + argument.substring(0, argument.indexOf('=')) : key;
  }

  /** The setting of this key. */
  static Optional<Setting> ofKey(String key) {
    return Arrays.stream(values()).filter(setting -> setting.key.equals(key)).findFirst();
  }
}
