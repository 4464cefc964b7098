package org.sparkbatchnorm;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasModifiers.Predicates.modifier;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkbatchnorm.kernel.BatchNorm;

/** Holds the import table: what each room may see, of ours and of third parties. */
class ArchitectureTest {
  private static final String ROOT = "org.sparkbatchnorm";
  private static final String SPARK = "org.apache.spark..";
  private static final String HADOOP = "org.apache.hadoop..";
  private static final String JACKSON_CORE = "com.fasterxml.jackson.core..";
  private static final String SLF4J = "org.slf4j..";
  private static final String PARQUET = "org.apache.parquet..";
  private static final String SNAPPY = "org.xerial.snappy..";

  private static final JavaClasses OURS =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ROOT);

  /** What Spark's own API asks for in Hadoop's words; all other bytes are storage's. */
  private static final DescribedPredicate<JavaClass> HADOOP_IN_SPARKS_API =
      nameMatching("org\\.apache\\.hadoop\\.(conf\\.Configuration|fs\\.Path)").forSubtype();

  /**
   * A row of the table: a package and its subpackages, unless those have a row of their own.
   *
   * @param name of the package below the root
   * @param rooms packages of ours it may import; {@code format} is that package alone, {@code
   *     format..} its subpackages as well
   * @param thirdParties packages it may import besides the JDK's
   */
  private record Room(String name, List<String> rooms, List<String> thirdParties) {
    DescribedPredicate<JavaClass> contents() {
      // The byte formats below the room of formats have rows of their own.
      return resideInAPackage(ROOT + "." + name + (name.equals("format") ? "" : ".."));
    }

    DescribedPredicate<JavaClass> mayImport() {
      List<String> packages = new ArrayList<>(List.of("java..", "jdk.incubator.vector.."));
      rooms.forEach(room -> packages.add(ROOT + "." + room));
      packages.addAll(thirdParties);
      DescribedPredicate<JavaClass> allowed =
          contents().or(resideInAnyPackage(packages.toArray(String[]::new)));
      return name.equals("job") ? allowed.or(HADOOP_IN_SPARKS_API) : allowed;
    }

    ArchRule rule() {
      return classes()
          .that(contents())
          .should()
          .onlyDependOnClassesThat(mayImport())
          .allowEmptyShould(true);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static List<Room> rooms() {
    List<String> underJob =
        List.of(
            "tensor",
            "layer",
            "format..",
            "storage..",
            "source..",
            "statistics",
            "estimator",
            "checkpoint..",
            "kernel");
    List<String> underCli = new ArrayList<>(underJob);
    underCli.add("job..");
    return List.of(
        new Room("tensor", List.of(), List.of()),
        new Room("layer", List.of(), List.of()),
        new Room("format", List.of("tensor"), List.of(JACKSON_CORE)),
        new Room("format.safetensors", List.of("tensor", "format"), List.of(JACKSON_CORE)),
        new Room("format.npy", List.of("tensor", "format", "format.zip"), List.of()),
        new Room("format.hdf5", List.of("tensor", "format"), List.of()),
        new Room("format.keras", List.of("tensor", "format", "format.hdf5"), List.of(JACKSON_CORE)),
        new Room("format.zip", List.of("tensor", "format"), List.of()),
        new Room("format.torch", List.of("tensor", "format", "format.zip"), List.of()),
        new Room("format.parquet", List.of("tensor", "format"), List.of(PARQUET, SNAPPY)),
        new Room("storage", List.of("format"), List.of(HADOOP, SLF4J)),
        new Room("source", List.of("tensor", "format..", "storage.."), List.of()),
        new Room("statistics", List.of("tensor"), List.of()),
        new Room("estimator", List.of("layer", "statistics", "tensor"), List.of()),
        new Room("checkpoint", List.of("layer", "format..", "storage..", "tensor"), List.of()),
        new Room("kernel", List.of("layer", "statistics", "tensor"), List.of()),
        new Room(
            "job",
            underJob,
            List.of(SPARK, "scala..", "org.snakeyaml.engine..", JACKSON_CORE, SLF4J)),
        new Room("cli", underCli, List.of("picocli..")));
  }

  @ParameterizedTest
  @MethodSource("rooms")
  void aRoomImportsOnlyWhatTheTableAllows(Room room) {
    room.rule().check(OURS);
  }

  @Test
  void everyClassIsInARoomOfTheTable() {
    assertThat(OURS.contain(BatchNorm.class)).isTrue();
    assertThat(
            OURS.stream()
                .filter(ours -> rooms().stream().noneMatch(room -> room.contents().test(ours))))
        .isEmpty();
  }

  /** A guard that cannot turn red guards nothing: the kernel does import layer and tensor. */
  @Test
  void aRoomThatImportsMoreThanItsRowIsFound() {
    Room kernelWithoutTensor = new Room("kernel", List.of("layer", "statistics"), List.of());
    assertThat(kernelWithoutTensor.rule().evaluate(OURS).getFailureReport().getDetails())
        .anySatisfy(detail -> assertThat(detail).contains("BatchNorm", "tensor.TensorBlock"));
  }

  @Test
  void roomsHaveNoCycles() {
    slices().matching(ROOT + ".(*)..").should().beFreeOfCycles().check(OURS);
  }

  @Test
  void onlyTheJobKnowsSpark() {
    noClasses()
        .that(not(resideInAPackage(ROOT + ".job..")))
        .should()
        .dependOnClassesThat()
        .resideInAPackage(SPARK)
        .check(OURS);
  }

  @Test
  void onlyStorageKnowsHadoop() {
    noClasses()
        .that(not(resideInAPackage(ROOT + ".storage..")))
        .should()
        .dependOnClassesThat(resideInAPackage(HADOOP).and(not(HADOOP_IN_SPARKS_API)))
        .check(OURS);
  }

  @Test
  void nothingImportsADoor() {
    noClasses()
        .that(not(resideInAPackage(ROOT + ".cli..")))
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ROOT + ".cli..")
        .check(OURS);
  }

  @Test
  void namesSayWhatAClassIs() {
    noClasses()
        .should()
        .haveNameMatching(".*[.$](\\w*(Util|Utils|Helper|Helpers|Manager|Common)|Base\\w*)")
        .check(OURS);
  }

  /** In the rooms of values; readers, commands and the job's bookkeeping elsewhere move on. */
  @Test
  void theOneMutableThingIsCalledAccumulator() {
    fields()
        .that()
        .areDeclaredInClassesThat(
            resideInAnyPackage(
                    ROOT + ".tensor..",
                    ROOT + ".layer..",
                    ROOT + ".statistics..",
                    ROOT + ".estimator..",
                    ROOT + ".kernel..")
                .and(modifier(JavaModifier.PUBLIC))
                .and(not(nameMatching(".*Accumulator"))))
        .should()
        .beFinal()
        .check(OURS);
  }
}
