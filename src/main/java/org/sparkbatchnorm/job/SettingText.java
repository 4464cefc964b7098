package org.sparkbatchnorm.job;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import org.sparkbatchnorm.checkpoint.ModelFormat;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.source.MiniBatching;

/**
 * One value of a setting as it was written, and its conversion into what it means. Whatever it
 * cannot mean is a {@link JobSpecException} that says where it was written, under which key, what
 * it is and what would be allowed.
 *
 * @param key the whole key, the glob of a map's entry included
 * @param text the value
 * @param place where it was written, printable: {@code FILE:LINE}, or the option
 */
record SettingText(String key, String text, String place) {
  private static final Pattern NUMBER =
      Pattern.compile("[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?");
  private static final Pattern SIZE = Pattern.compile("([0-9]{1,19}) ?(KiB|MiB|GiB)?");
  private static final Pattern ROWS = Pattern.compile("[0-9]{1,19}");

  /** An exception about this value. */
  JobSpecException wrong(String reason) {
    return new JobSpecException(place + ": " + Printable.escape(key) + ": " + reason);
  }

  private JobSpecException unexpected(String expected) {
    return wrong("found " + Printable.escape(text) + "; expected " + expected);
  }

  /** The text, which is not empty and stands on one line. */
  String word() {
    if (text.isBlank()) {
      throw wrong("found no value");
    }
    if (text.chars().anyMatch(Character::isISOControl)) {
      throw unexpected("no line breaks or other control characters");
    }
    return text;
  }

  /** The path, relative to this folder. */
  String path(Folder folder) {
    return folder.resolve(word());
  }

  /** Checks that this is the path of a new checkpoint, whose extension names its format. */
  void requireCheckpointPath() {
    if (ModelFormat.ofPath(word()).filter(ModelFormat::isWritable).isEmpty()) {
      throw unexpected("a path that ends in " + ModelFormat.newSuffixes());
    }
  }

  /** Checks that this is no path by whose name it would be taken for another format. */
  void requireNameOf(ModelFormat format) {
    if (ModelFormat.ofPath(word()).filter(other -> other != format).isPresent()) {
      throw unexpected("a path that ends in " + format.suffixes() + ", as the model's");
    }
  }

  /** The path of a model file, whose extension names its format, relative to this folder. */
  String modelPath(Folder folder) {
    if (ModelFormat.ofPath(word()).isEmpty()) {
      throw unexpected("a path that ends in " + ModelFormat.allSuffixes());
    }
    return path(folder);
  }

  /** The value whose name this is. */
  <E> E oneOf(List<E> values, Function<E, String> name) {
    String word = word();
    Optional<E> named = values.stream().filter(v -> name.apply(v).equals(word)).findFirst();
    if (named.isPresent()) {
      return named.get();
    }
    List<String> allowed = values.stream().map(name).collect(Collectors.toUnmodifiableList());
    throw wrong(
        "unknown value "
            + Printable.escape(word)
            + "; "
            + NearestName.of(word, allowed).map(n -> "did you mean " + n + "? ").orElse("")
            + "allowed: "
            + String.join(", ", allowed));
  }

  /** {@code true} or {@code false}. */
  boolean flag() {
    return oneOf(List.of(true, false), String::valueOf);
  }

  /** A finite number that is not negative. */
  double nonNegative() {
    return number(Double.MAX_VALUE, "a finite number, 0 or more");
  }

  /** A number between 0 and 1, or none. */
  OptionalDouble momentum() {
    return word().equals("none")
        ? OptionalDouble.empty()
        : OptionalDouble.of(number(1, "a number between 0 and 1, or none"));
  }

  private double number(double most, String expected) {
    if (NUMBER.matcher(word()).matches()) {
      double number = Double.parseDouble(text);
      if (number >= 0 && number <= most) {
        return Math.abs(number);
      }
    }
    throw unexpected(expected);
  }

  /** What a mini-batch is. */
  MiniBatching miniBatching() {
    return switch (word()) {
      case "tensor" -> MiniBatching.TENSOR;
      case "key" -> MiniBatching.KEY;
      default -> MiniBatching.ofRows(rows());
    };
  }

  private long rows() {
    if (ROWS.matcher(text).matches()) {
      try {
        long rows = Long.parseLong(text);
        if (rows > 0) {
          return rows;
        }
      } catch (NumberFormatException e) {
        throw unexpected("at most " + Long.MAX_VALUE + " rows");
      }
    }
    throw unexpected("tensor, key, or a number of rows more than 0");
  }

  /** A number of bytes, more than 0. */
  long bytes() {
    Matcher size = SIZE.matcher(word());
    if (size.matches()) {
      long unit =
          switch (Optional.ofNullable(size.group(2)).orElse("")) {
            case "KiB" -> 1L << 10;
            case "MiB" -> 1L << 20;
            case "GiB" -> 1L << 30;
            default -> 1;
          };
      try {
        long bytes = Math.multiplyExact(Long.parseLong(size.group(1)), unit);
        if (bytes > 0) {
          return bytes;
        }
      } catch (NumberFormatException | ArithmeticException e) {
        throw unexpected("at most " + Long.MAX_VALUE + " bytes");
      }
    }
    throw unexpected("a whole number of bytes more than 0, plain or with KiB, MiB or GiB");
  }

  /** A regular expression with a group named layer. */
  Pattern layerPattern() {
    Pattern pattern;
    try {
      // A name may hold any character, line ends included.
      pattern = Pattern.compile(word(), Pattern.DOTALL);
    } catch (PatternSyntaxException e) {
      throw wrong(
          "found "
              + Printable.escape(text)
              + ", which is not a regular expression: "
              + e.getDescription()
              + " at index "
              + e.getIndex());
    }
    if (!NamedGroup.isIn(text, "layer")) {
      throw unexpected("a regular expression with a group (?<layer>...)");
    }
    return pattern;
  }
}
