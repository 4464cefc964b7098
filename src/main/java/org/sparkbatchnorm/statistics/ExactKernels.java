package org.sparkbatchnorm.statistics;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which {@link ExactKernel} this JVM runs, and why. The vector kernel, if the module {@code
 * jdk.incubator.vector} is there (Spark's launchers add it; other JVMs need {@code --add-modules}),
 * and if it passes {@link ExactKernelCheck} here; else the scalar one. All give the same bits. The
 * system property {@value #PROPERTY}, {@code scalar} or {@code vector}, forces one. Immutable.
 */
public final class ExactKernels {
  /** The system property that forces a kernel. */
  public static final String PROPERTY = "spark.batchnorm.kernel";

  private static final String MODULE = "jdk.incubator.vector";
  private static final String LOOPS = "org.sparkbatchnorm.statistics.VectorLoops";

  /** Lanes below which vectors gain nothing. */
  private static final int LEAST_LANES = 2;

  private static final Map<String, ExactKernels> CHOSEN = new ConcurrentHashMap<>();

  private final Optional<CertifiedLoops> loops;
  private final String reason;

  private ExactKernels(Optional<CertifiedLoops> loops, String reason) {
    this.loops = loops;
    this.reason = reason;
  }

  /**
   * What this JVM runs, as the system property says: chosen once, in some tenths of a second, most
   * of which load classes.
   *
   * @throws IllegalStateException if the property forces what there is not
   */
  public static ExactKernels ofThisJvm() {
    return ofThisJvm(Optional.ofNullable(System.getProperty(PROPERTY)));
  }

  /**
   * What this JVM runs: chosen once.
   *
   * @param forced {@code scalar}, {@code vector} or nothing
   * @throws IllegalStateException if that forces what there is not
   */
  public static ExactKernels ofThisJvm(Optional<String> forced) {
    return CHOSEN.computeIfAbsent(forced.orElse(""), word -> choose(forced));
  }

  /**
   * Chooses.
   *
   * @param forced {@code scalar}, {@code vector} or nothing
   * @throws IllegalStateException if it is something else, or {@code vector} where that cannot run
   */
  static ExactKernels choose(Optional<String> forced) {
    String by = forced.isPresent() ? ", forced by " + PROPERTY : "";
    return switch (forced.orElse("")) {
      case "scalar" -> scalar("as " + PROPERTY + " asks for it");
      case "vector", "" -> {
        Loaded loaded = load();
        if (loaded.obstacle().isEmpty()) {
          yield vector(loaded.loops(), by);
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
        yield scalar("as " + loaded.obstacle());
      }
      default ->
          throw new IllegalStateException(
              PROPERTY + "=" + forced.get() + ", expected scalar or vector");
    };
  }

  private static ExactKernels scalar(String why) {
    return new ExactKernels(Optional.empty(), "exact sums by the scalar kernel, " + why);
  }

  private static ExactKernels vector(CertifiedLoops loops, String by) {
    int bits = loops.lanes() * Double.SIZE;
    return new ExactKernels(
        Optional.of(loops),
        "exact sums by the vector kernel, as " + bits + "-bit vectors passed its self-check" + by);
  }

  /** Loops that can be used, or why there are none. */
  private record Loaded(CertifiedLoops loops, String obstacle) {
    static Loaded none(String obstacle) {
      return new Loaded(null, obstacle);
    }
  }

  private static Loaded load() {
    if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
      return Loaded.none("this JVM was started without the module " + MODULE);
    }
    try {
      CertifiedLoops loops =
          Class.forName(LOOPS)
              .asSubclass(CertifiedLoops.class)
              .getDeclaredConstructor()
              .newInstance();
      if (loops.lanes() < LEAST_LANES) {
        return Loaded.none("this processor has no vectors of doubles");
      }
      return ExactKernelCheck.passes(loops)
          ? new Loaded(loops, "")
          : Loaded.none("the vector kernel gave other bits than the scalar one in its self-check");
    } catch (ReflectiveOperationException | LinkageError | RuntimeException e) {
      return Loaded.none("the vector kernel cannot run here (" + e + ")");
    }
  }

  /** {@code scalar} or {@code vector}. */
  public String name() {
    return loops.isPresent() ? "vector" : "scalar";
  }

  /** Which kernel and why, in a sentence for the log. */
  public String reason() {
    return reason;
  }

  /** A kernel that adds to these sums and counts. */
  ExactKernel kernel(ExactSums sums, NonFiniteCounts nonFinite) {
    return loops.isPresent()
        ? new ExactVectorKernel(loops.get(), sums, nonFinite)
        : scalarKernel(sums, nonFinite);
  }

  /** The reference. */
  static ExactKernel scalarKernel(ExactSums sums, NonFiniteCounts nonFinite) {
    return new ExactScalarKernel(sums, nonFinite);
  }
}
