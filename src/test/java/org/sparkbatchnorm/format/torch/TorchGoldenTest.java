package org.sparkbatchnorm.format.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.tensor.Elements;

/** Files of torch.save itself, in all its forms; PyTorch says what is in them (expected.json). */
class TorchGoldenTest {
  private static final Path GOLDEN =
      Path.of(System.getProperty("basedir", ""), "src/test/resources/golden/torch/torch-2.15.0");

  private static ReadableBytes file(String name) throws IOException {
    return ReadableBytes.of(name, Files.readAllBytes(GOLDEN.resolve(name)));
  }

  @Test
  void anotherStateDictIsToldOfUnlessOneWasNamed() throws IOException {
    TorchFile found = TorchFile.read(file("training-ema.pt"), Optional.empty());
    assertThat(found.otherStateDicts()).containsExactly("state_dict_ema");
    assertThat(
            TorchFile.read(file("training-ema.pt"), Optional.of("state_dict_ema"))
                .otherStateDicts())
        .isEmpty();
    assertThat(TorchFile.read(file("state-dict.pt"), Optional.empty()).otherStateDicts()).isEmpty();
    assertThat(TorchFile.read(file("training-model.pt"), Optional.empty()).otherStateDicts())
        .isEmpty();
  }

  @Test
  void filesHoldWhatPytorchSays() throws IOException {
    int read = 0;
    int refused = 0;
    for (Map.Entry<String, JsonNode> entry : files()) {
      String name = entry.getKey();
      JsonNode expected = entry.getValue();
      if (expected.has("code")) {
        assertThatThrownBy(() -> TorchFile.read(file(name), Optional.empty()))
            .as(name)
            .isInstanceOf(MalformedFileException.class)
            .hasMessageContaining(": " + expected.get("code").asText() + ": ");
        refused++;
      } else {
        Optional<String> key = Optional.ofNullable(expected.get("stateDict").textValue());
        ReadableBytes file = file(name);
        requireSame(name, TorchFile.read(file, key), expected);
        read++;
      }
    }
    assertThat(read).isEqualTo(13);
    assertThat(refused).isEqualTo(8);
  }

  private static List<Map.Entry<String, JsonNode>> files() throws IOException {
    JsonNode expected = new ObjectMapper().readTree(GOLDEN.resolve("expected.json").toFile());
    return List.copyOf(expected.get("files").properties());
  }

  private static void requireSame(String name, TorchFile file, JsonNode expected)
      throws IOException {
    List<String> names = new ArrayList<>();
    expected.get("tensors").fieldNames().forEachRemaining(names::add);
    assertThat(file.tensors())
        .as(name)
        .extracting(TorchTensor::name)
        .containsExactlyElementsOf(names);
    List<String> shared = new ArrayList<>();
    for (TorchTensor tensor : file.tensors()) {
      JsonNode there = expected.get("tensors").get(tensor.name());
      String what = name + " " + tensor;
      assertThat(tensor.dtype().map(Enum::name))
          .as(what)
          .isEqualTo(Optional.ofNullable(there.get("dtype").textValue()));
      assertThat(tensor.shape().toString().replace(" ", ""))
          .as(what)
          .isEqualTo(there.get("shape").toString());
      if (tensor.dtype().isPresent()) {
        assertThat(values(file, tensor)).as(what).isEqualTo(numbers(there.get("values")));
      }
      if (tensor.isShared()) {
        shared.add(tensor.name());
      }
    }
    List<String> expectedShared = new ArrayList<>();
    expected.path("shared").forEach(key -> expectedShared.add(key.asText()));
    assertThat(shared).as(name).containsExactlyElementsOf(expectedShared);
  }

  /** All elements, row-major, each read by itself where its strides put it. */
  static double[] values(TorchFile file, TorchTensor tensor) throws IOException {
    double[] values = new double[(int) tensor.shape().elements()];
    byte[] element = new byte[tensor.elementBytes()];
    double[] value = new double[1];
    try (ReadableBytes storage = file.archive().openChecked(tensor.storage())) {
      for (int i = 0; i < values.length; i++) {
        long at = 0;
        int rest = i;
        for (int axis = tensor.shape().rank() - 1; axis >= 0; axis--) {
          int length = (int) tensor.shape().dimension(axis);
          at += rest % length * tensor.strides()[axis];
          rest /= length;
        }
        storage.readFully(tensor.offset() + at * element.length, element, 0, element.length);
        ByteBuffer bytes = ByteBuffer.wrap(element).order(ByteOrder.LITTLE_ENDIAN);
        Elements.decode(tensor.dtype().orElseThrow(), bytes, value, 1);
        values[i] = value[0];
      }
    }
    return values;
  }

  private static double[] numbers(JsonNode list) {
    double[] numbers = new double[list.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = list.get(i).doubleValue();
    }
    return numbers;
  }

  @Test
  void whatIsNotContiguousIsTold() throws IOException {
    TorchFile file = TorchFile.read(file("views.pt"), Optional.empty());
    assertThat(file.tensors())
        .filteredOn(tensor -> !tensor.isContiguous())
        .extracting(TorchTensor::name)
        .containsExactly(
            "strided.running_mean", "strided.running_var", "transposed", "channels-last");
    assertThat(file.tensors())
        .filteredOn(TorchTensor::isContiguous)
        .allSatisfy(tensor -> assertThat(tensor.strides()).hasSize(tensor.shape().rank()));
  }

  @Test
  void messagesSayWhatToDo() {
    Map<String, String> messages =
        Map.of(
            "legacy.pt",
            "at byte 0: TORCH_LEGACY: a file of the form that PyTorch wrote before 1.6, which is not"
                + " read; load it with torch.load and save it again with torch.save of a current"
                + " PyTorch",
            "script.pt",
            ": TORCH_SCRIPT: a TorchScript program, expected a state dict; load it with"
                + " torch.jit.load and save its state_dict() with torch.save",
            "module.pt",
            ": NO_STATE_DICT: an object of torch.nn.modules.batchnorm.BatchNorm1d was saved; save its"
                + " state_dict()",
            "module-inside.pt",
            ": NO_STATE_DICT: 'model' is an object of torch.nn.modules.batchnorm.BatchNorm1d; save"
                + " its state_dict()",
            "two.pt",
            ": STATE_DICT_AMBIGUOUS: 'state_dict' and 'model' are dicts of tensors; say which one is"
                + " meant, by checkpoint.state-dict",
            "foreign.pt",
            ": PICKLE_GLOBAL: the state dict holds argparse.Namespace, expected tensors alone;"
                + " nothing was loaded or run",
            "training-net.pt",
            ": NO_STATE_DICT: neither what was saved nor its 'state_dict', 'model' or"
                + " 'model_state_dict' is a dict of tensors, but there is 'net', 'ema';"
                + " checkpoint.state-dict can name another key");
    messages.forEach(
        (name, message) ->
            assertThatThrownBy(() -> TorchFile.read(file(name), Optional.empty()))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageStartingWith(name)
                .hasMessageEndingWith(message));
    assertThatThrownBy(() -> TorchFile.read(file("training-net.pt"), Optional.of("nets")))
        .hasMessageEndingWith("NO_STATE_DICT: no 'nets', but there is 'net', 'ema'");
    assertThatThrownBy(() -> TorchFile.read(file("training-net.pt"), Optional.of("args")))
        .hasMessageEndingWith(
            "NO_STATE_DICT: 'args' is no dict of tensors, but there is 'net', 'ema'");
    assertThatThrownBy(() -> TorchFile.read(file("tensor.pt"), Optional.of("args")))
        .hasMessageEndingWith("NO_STATE_DICT: no 'args'");
  }
}
