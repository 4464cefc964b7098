package org.sparkbatchnorm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparkbatchnorm.job.Assignment;
import org.sparkbatchnorm.job.JobSpec;
import org.sparkbatchnorm.job.LocalSpark;
import org.sparkbatchnorm.job.RecalibrationJob;
import org.sparkbatchnorm.job.RunReport;
import org.sparkbatchnorm.job.Setting;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;

/** The whole job with a real HDFS as its default file system: the local disk's results. */
@ExtendWith(LoopbackHdfs.Provider.class)
class HdfsJobTest {
  private static final Path GOLDEN =
      Path.of(System.getProperty("basedir", ""))
          .toAbsolutePath()
          .resolve("src/test/resources/golden");
  private static final Path SHARDS = GOLDEN.resolve("safetensors/safetensors-0.8.0/shards");
  private static final Path NPY = GOLDEN.resolve("npy/numpy-2.4.6");

  private static final String DEFAULT = "fs.defaultFS";

  private static FileSystem fileSystem;
  private static SparkSession spark;
  private static String formerDefault;

  @TempDir private Path disk;
  private LoopbackHdfs.Folder folder;

  @BeforeAll
  static void start(LoopbackHdfs hdfs) throws IOException {
    fileSystem = hdfs.fileSystem();
    spark = LocalSpark.session();
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    formerDefault = configuration.get(DEFAULT);
    configuration.set(DEFAULT, hdfs.uri());
  }

  @AfterAll
  static void restoreTheSession() {
    spark.sparkContext().hadoopConfiguration().set(DEFAULT, formerDefault);
  }

  @BeforeEach
  void enter(LoopbackHdfs.Folder empty) {
    folder = empty;
  }

  private static JobSpec job(String input, String output, Assignment... more) {
    List<Assignment> settings = new ArrayList<>(List.of(more));
    settings.add(Assignment.ofOption(Setting.INPUT_PATHS, input));
    settings.add(Assignment.ofOption(Setting.CHECKPOINT_PATH, output));
    settings.add(Assignment.ofOption(Setting.STATISTICS_ESTIMATOR, "pooled-unbiased,paper"));
    settings.add(Assignment.ofOption(Setting.INPUT_SPLIT_SIZE, "600"));
    return JobSpec.parse(Optional.empty(), settings, "/");
  }

  private static RunReport run(JobSpec job) throws IOException {
    return new RecalibrationJob(spark, job).run();
  }

  private void upload(Path from, String to) throws IOException {
    fileSystem.copyFromLocalFile(
        new org.apache.hadoop.fs.Path(from.toUri()), new org.apache.hadoop.fs.Path(folder.uri(to)));
  }

  /** Everything in two reports but places and times. */
  private static void assertSame(RunReport found, RunReport expected) {
    assertThat(found.input().files()).isEqualTo(expected.input().files());
    assertThat(found.input().tensors()).isEqualTo(expected.input().tensors());
    assertThat(found.input().bytes()).isEqualTo(expected.input().bytes());
    assertThat(found.input().splits()).isEqualTo(expected.input().splits()).isGreaterThan(1);
    assertThat(found.layers()).hasSameSizeAs(expected.layers()).isNotEmpty();
    for (int i = 0; i < found.layers().size(); i++) {
      RunReport.Layer layer = found.layers().get(i);
      RunReport.Layer other = expected.layers().get(i);
      assertThat(layer.name()).isEqualTo(other.name());
      assertThat(layer.moments().pooled()).isEqualTo(other.moments().pooled());
      assertThat(layer.statistics()).isEqualTo(other.statistics()).hasSize(2);
    }
  }

  @Test
  void safetensorsGiveWhatTheyGiveOnTheLocalDisk() throws IOException {
    upload(SHARDS, "in");
    RunReport local = run(job("file:" + SHARDS, "file:" + disk + "/out.safetensors"));
    RunReport onHdfs =
        run(
            job(
                folder.uri("in/*.safetensors"),
                folder.uri("out/bn.safetensors"),
                Assignment.ofOption(Setting.REPORT_PATH, folder.uri("out/report.json"))));
    assertSame(onHdfs, local);
    assertThat(folder.read("out/bn.safetensors"))
        .isEqualTo(Files.readAllBytes(disk.resolve("out.safetensors")));
    assertThat(new String(folder.read("out/report.json"), UTF_8))
        .contains("\"checkpoint\":", folder.uri("in/*.safetensors"));
    assertThat(folder.names("out")).containsExactly("bn.safetensors", "report.json");
    assertThat(onHdfs.checkpoint()).isEqualTo(folder.uri("out/bn.safetensors"));
  }

  /** Little-endian and big-endian, by rows and by columns, on the default file system. */
  @Test
  void npyGivesWhatItGivesOnTheLocalDisk() throws IOException {
    Path in = Files.createDirectories(disk.resolve("in/deep"));
    for (String name : List.of("fortran-big-endian-f8", "normal-f2", "rank-4", "big-endian/f4")) {
      Files.copy(NPY.resolve(name + ".npy"), in.resolve(name.replace('/', '-') + ".npy"));
    }
    upload(disk.resolve("in"), "in");
    RunReport local = run(job("file:" + disk + "/in", "file:" + disk + "/out.safetensors"));
    String root = new org.apache.hadoop.fs.Path(folder.uri()).toUri().getPath();
    RunReport onHdfs = run(job(root + "/in", root + "/in/out.safetensors"));
    assertSame(onHdfs, local);
    assertThat(onHdfs.input().tensors()).isEqualTo(4);
    assertThat(onHdfs.layers().get(0).name()).isEqualTo("deep/big-endian-f4");
    assertThat(folder.read("in/out.safetensors"))
        .isEqualTo(Files.readAllBytes(disk.resolve("out.safetensors")));
    assertThat(folder.names("in")).containsExactly("deep", "out.safetensors");
  }

  @Test
  void anExistingOutputIsRefusedBeforeAnythingIsRead() throws IOException {
    folder.write("out.safetensors", "old");
    folder.write("in/bad.safetensors", "no safetensors at all");
    assertThatThrownBy(() -> run(job(folder.uri("in"), folder.uri("out.safetensors"))))
        .isInstanceOf(OutputExistsException.class)
        .hasMessage(folder.uri("out.safetensors") + " exists already; --overwrite replaces it");
    assertThat(folder.read("out.safetensors")).isEqualTo("old".getBytes(UTF_8));
    assertThat(folder.names()).containsExactly("in", "out.safetensors");
  }

  @Test
  void anExistingOutputIsReplacedWhereThatIsAskedFor() throws IOException {
    upload(SHARDS, "in");
    folder.write("out.safetensors", "old");
    run(
        job(
            folder.uri("in"),
            folder.uri("out.safetensors"),
            Assignment.ofOption(Setting.CHECKPOINT_OVERWRITE, "true")));
    run(job(folder.uri("in"), folder.uri("fresh.safetensors")));
    assertThat(folder.read("out.safetensors"))
        .isEqualTo(folder.read("fresh.safetensors"))
        .isNotEqualTo("old".getBytes(UTF_8));
    assertThat(folder.names()).containsExactly("fresh.safetensors", "in", "out.safetensors");
  }

  @Test
  void badInputLeavesNoOutput() throws IOException {
    upload(SHARDS, "in");
    folder.write("in/bad.safetensors", "short");
    assertThatThrownBy(() -> run(job(folder.uri("in"), folder.uri("out/bn.safetensors"))))
        .hasMessage(
            folder.uri("in")
                + "/bad.safetensors at byte 5: HEADER_TRUNCATED: the file has 5 bytes, but a"
                + " header's length alone takes 8");
    assertThat(folder.names()).containsExactly("in");
  }

  @Test
  void anOutputThatCannotBeIsRefusedBeforeAnythingIsRead() throws IOException {
    String file = folder.write("file", "old");
    assertThatThrownBy(() -> run(job(folder.uri("absent"), file + "/bn.safetensors")))
        .isInstanceOf(CommitException.class)
        .hasMessage(
            "cannot write "
                + file
                + "/bn.safetensors: "
                + file
                + " is a file, but a folder is needed there");
  }

  /** The session's default is HDFS; what the command line calls local is a file: URI. */
  @Test
  void localFilesAreReadAndWrittenBesideAnHdfsDefault() throws IOException {
    run(job("file:" + SHARDS + "/*", "file:" + disk + "/a b%20/out.safetensors"));
    try (Stream<Path> left = Files.walk(disk)) {
      assertThat(left.map(path -> disk.relativize(path).toString()))
          .containsExactlyInAnyOrder("", "a b%20", "a b%20/out.safetensors");
    }
  }
}
