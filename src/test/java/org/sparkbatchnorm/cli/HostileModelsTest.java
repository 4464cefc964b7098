package org.sparkbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkbatchnorm.format.zip.ZipWriter;

/** {@code inspect} and {@code apply} on files of PyTorch and numpy that are bad: exit code 3. */
class HostileModelsTest {
  private static final Path GOLDEN =
      Path.of(System.getProperty("basedir", ""), "src/test/resources/golden");

  @TempDir private Path folder;

  private Path copy(String golden, String name) throws IOException {
    return Files.copy(GOLDEN.resolve(golden), folder.resolve(name));
  }

  private void requireRefused(Path model, String code) throws IOException {
    CommandRun.of("inspect", model).requireBadData(model, code);
    Path statistics = folder.resolve("statistics.safetensors");
    Files.deleteIfExists(statistics);
    ModelFiles.write(statistics, "bn");
    Path output = folder.resolve("output-" + model.getFileName());
    CommandRun.of("apply", "--statistics", statistics, "--model", model, "--output", output)
        .requireBadData(model, code);
    assertThat(output).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource({
    "torch/torch-2.15.0/legacy.pt, TORCH_LEGACY",
    "torch/torch-2.15.0/script.pt, TORCH_SCRIPT",
    "torch/torch-2.15.0/module.pt, NO_STATE_DICT",
    "torch/torch-2.15.0/module-inside.pt, NO_STATE_DICT",
    "torch/torch-2.15.0/two.pt, STATE_DICT_AMBIGUOUS",
    "torch/torch-2.15.0/foreign.pt, PICKLE_GLOBAL",
    "torch/torch-2.15.0/no-checksums.pt, ZIP_CRC",
    "npz/numpy-2.4.6/object.npz, OBJECT_ARRAY",
    "npz/numpy-2.4.6/structured.npz, DTYPE"
  })
  void whatIsNotReadIsSaid(String golden, String code) throws IOException {
    requireRefused(copy(golden, "model" + golden.substring(golden.lastIndexOf('.'))), code);
  }

  @ParameterizedTest
  @CsvSource({"torch/torch-2.15.0/state-dict.pt, .pt", "npz/numpy-2.4.6/savez.npz, .npz"})
  void truncatedArchivesAreRefused(String golden, String suffix) throws IOException {
    byte[] bytes = Files.readAllBytes(GOLDEN.resolve(golden));
    Path model = folder.resolve("model" + suffix);
    Files.write(model, Arrays.copyOf(bytes, bytes.length - 1));
    requireRefused(model, "ZIP_TRUNCATED");
    Files.write(model, Arrays.copyOf(bytes, bytes.length + 1));
    requireRefused(model, "ZIP_TRAILING_BYTES");
  }

  /** {@code os.system("touch FILE")} where a tensor should be. */
  @Test
  void nothingInsideIsRun() throws IOException {
    Path proof = folder.resolve("proof");
    String command = "touch '" + proof + "'";
    ByteArrayOutputStream pickle = new ByteArrayOutputStream();
    pickle.writeBytes(
        ("\u0080\2}(X\17\0\0\0bn.running_meanctorch._utils\n_rebuild_tensor_v2\n)R"
                + "X\1\0\0\0xcposix\nsystem\n\u008c")
            .getBytes(StandardCharsets.ISO_8859_1));
    pickle.write(command.length());
    pickle.writeBytes((command + "\u0085Ru.").getBytes(StandardCharsets.ISO_8859_1));
    ZipWriter zip = new ZipWriter();
    zip.add("archive/data.pkl", pickle.toByteArray());
    zip.add("archive/version", new byte[] {'3'});
    Path model = Files.write(folder.resolve("model.pt"), zip.toBytes());
    assertThat(command.length()).isLessThan(256);
    requireRefused(model, "PICKLE_GLOBAL");
    assertThat(proof).doesNotExist();
  }
}
