package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.DType;

/** Every job file that is shipped says what the parser understands. */
class ShippedJobFilesTest {
  private static final Path JOBS = Path.of("jobs").toAbsolutePath();

  static Stream<Path> jobFiles() throws IOException {
    try (Stream<Path> files = Files.list(JOBS)) {
      return files.filter(Files::isRegularFile).sorted().toList().stream();
    }
  }

  private static JobSpec parse(Path file) throws IOException {
    return JobSpec.parse(
        JobFile.decode("jobs/" + file.getFileName(), Files.readAllBytes(file), JOBS.toString()));
  }

  @ParameterizedTest
  @MethodSource("jobFiles")
  void isAJob(Path file) throws IOException {
    assertThat(file.toString()).endsWith(".yaml");
    assertThat(parse(file).output().path()).startsWith("/");
  }

  @Test
  void digits() throws IOException {
    JobSpec job = parse(JOBS.resolve("digits.yaml"));
    String project = JOBS.getParent().toString();
    assertThat(job.input().paths()).containsExactly(project + "/jobs/data/digits");
    assertThat(job.input().layout()).isEqualTo(ChannelLayout.CHANNELS_FIRST);
    assertThat(job.statistics().forCheckpoint().name()).isEqualTo("pooled-unbiased");
    assertThat(job.output())
        .isEqualTo(
            new JobSpec.Output(
                project + "/target/digits-bn.safetensors",
                Optional.empty(),
                Convention.PYTORCH,
                DType.F32,
                1e-5,
                true));
    assertThat(job.reportPath()).contains(project + "/target/digits-report.json");
  }
}
