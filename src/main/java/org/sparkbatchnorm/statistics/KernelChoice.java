package org.sparkbatchnorm.statistics;

import java.util.Optional;
import java.util.function.Predicate;

/**
 * Whether this JVM runs the vector loops of a computation or the scalar ones, and why. The vector
 * ones, if the module {@code jdk.incubator.vector} is there (Spark's launchers add it; other JVMs
 * need {@code --add-modules}), and if they pass their self-check here; else the scalar ones. Both
 * give the same bits. The system property {@value #PROPERTY}, {@code scalar} or {@code vector},
 * forces one. Immutable.
 *
 * @param <T> the vector loops
 */
public final class KernelChoice<T extends KernelChoice.Lanes> {
  /** The system property that forces a kernel. */
  public static final String PROPERTY = "spark.batchnorm.kernel";

  private static final String MODULE = "jdk.incubator.vector";

  /** Lanes below which vectors gain nothing. */
  private static final int LEAST_LANES = 2;

  private final Optional<T> vector;
  private final String reason;

  private KernelChoice(Optional<T> vector, String reason) {
    this.vector = vector;
    this.reason = reason;
  }

  /** Loops over vectors. */
  public interface Lanes {
    /** Doubles in a vector. */
    int lanes();
  }

  /**
   * Vector loops that may be there.
   *
   * @param what is computed, for messages
   * @param loader makes them
   * @param selfCheck whether they give the scalar loops' bits
   */
  public record Candidate<T>(String what, Loader<T> loader, Predicate<T> selfCheck) {}

  /** Makes an object of a class by its name, as nothing may refer to the incubating module's. */
  public interface Loader<T> {
    /** Loads the class and makes an object of it. */
    T load() throws ReflectiveOperationException;
  }

  /**
   * Chooses.
   *
   * @param forced {@code scalar}, {@code vector} or nothing
   * @throws IllegalStateException if it is something else, or {@code vector} where that cannot run
   */
  public static <T extends Lanes> KernelChoice<T> of(
      Candidate<T> candidate, Optional<String> forced) {
    String by = forced.isPresent() ? ", forced by " + PROPERTY : "";
    return switch (forced.orElse("")) {
      case "scalar" -> scalar(candidate, "as " + PROPERTY + " asks for it");
      case "vector", "" -> {
        Loaded<T> loaded = load(candidate);
        if (loaded.obstacle().isEmpty()) {
          yield vector(candidate, loaded.loops(), by);
        }
        if (forced.isPresent()) {
          throw new IllegalStateException(
              PROPERTY
                  + "=vector, but "
                  + loaded.obstacle()
                  + "; start the JVM with --add-modules "
                  + MODULE
                  + " on a processor with vectors, or leave "
                  + PROPERTY
                  + " out");
        }
        yield scalar(candidate, "as " + loaded.obstacle());
      }
      default ->
          throw new IllegalStateException(
              PROPERTY + "=" + forced.get() + ", expected scalar or vector");
    };
  }

  private static <T extends Lanes> KernelChoice<T> scalar(Candidate<T> candidate, String why) {
    return new KernelChoice<>(Optional.empty(), candidate.what() + " by the scalar kernel, " + why);
  }

  private static <T extends Lanes> KernelChoice<T> vector(
      Candidate<T> candidate, T loops, String by) {
    int bits = loops.lanes() * Double.SIZE;
    return new KernelChoice<>(
        Optional.of(loops),
        candidate.what()
            + " by the vector kernel, as "
            + bits
            + "-bit vectors passed its self-check"
            + by);
  }

  /** Loops that can be used, or why there are none. */
  private record Loaded<T>(T loops, String obstacle) {
    static <T> Loaded<T> none(String obstacle) {
      return new Loaded<>(null, obstacle);
    }
  }

  private static <T extends Lanes> Loaded<T> load(Candidate<T> candidate) {
    if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
      return Loaded.none("this JVM was started without the module " + MODULE);
    }
    try {
      T loops = candidate.loader().load();
      if (loops.lanes() < LEAST_LANES) {
        return Loaded.none("this processor has no vectors of doubles");
      }
      return candidate.selfCheck().test(loops)
          ? new Loaded<>(loops, "")
          : Loaded.none("the vector kernel gave other bits than the scalar one in its self-check");
    } catch (ReflectiveOperationException | LinkageError | RuntimeException e) {
      return Loaded.none("the vector kernel cannot run here (" + e + ")");
    }
  }

  /** The vector loops, if they run. */
  public Optional<T> vector() {
    return vector;
  }

  /** {@code scalar} or {@code vector}. */
  public String name() {
    return vector.isPresent() ? "vector" : "scalar";
  }

  /** Which kernel and why, in a sentence for the log. */
  public String reason() {
    return reason;
  }
}
