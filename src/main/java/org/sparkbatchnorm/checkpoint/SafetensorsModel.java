package org.sparkbatchnorm.checkpoint;

import java.io.IOException;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparkbatchnorm.checkpoint.NamedTensor.Counting;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.safetensors.OpaqueTensor;
import org.sparkbatchnorm.format.safetensors.SafetensorsHeader;
import org.sparkbatchnorm.format.safetensors.SafetensorsIndex;
import org.sparkbatchnorm.format.safetensors.SafetensorsTensor;

/** Models as one safetensors file, or as several and an index. */
final class SafetensorsModel implements ModelReader {

  @Override
  public ModelContents read(ModelPart main, Neighbours neighbours, ModelOptions options)
      throws IOException {
    if (main.name().endsWith(SafetensorsIndex.SUFFIX)) {
      return readShards(main, SafetensorsIndex.read(main.bytes()), neighbours);
    }
    SafetensorsHeader header = SafetensorsHeader.readModel(main.bytes());
    return new ModelContents(
        List.of(main), tensors(header, main, 0), header.metadata(), Map.of(), Checksums.none());
  }

  private static ModelContents readShards(
      ModelPart main, SafetensorsIndex index, Neighbours neighbours) throws IOException {
    List<ModelPart> parts = new ArrayList<>();
    List<NamedTensor> tensors = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (String file : index.files()) {
      ModelPart shard = neighbours.open(file);
      SafetensorsHeader header = SafetensorsHeader.readModel(shard.bytes());
      for (NamedTensor tensor : tensors(header, shard, parts.size())) {
        if (!file.equals(index.shards().get(tensor.name()))) {
          throw tensor.malformed(
              "INDEX_MISMATCH",
              "tensor '"
                  + tensor.name()
                  + "' stands here, but the index "
                  + (index.shards().containsKey(tensor.name())
                      ? "has it in '" + index.shards().get(tensor.name()) + "'"
                      : "does not know it"));
        }
        seen.add(tensor.name());
        tensors.add(tensor);
      }
      parts.add(shard);
    }
    for (Map.Entry<String, String> entry : index.shards().entrySet()) {
      if (!seen.contains(entry.getKey())) {
        throw new MalformedFileException(
            main.bytes().name(),
            MalformedFileException.NO_OFFSET,
            "INDEX_MISMATCH",
            "tensor '" + entry.getKey() + "' is not in '" + entry.getValue() + "'");
      }
    }
    parts.add(main);
    return new ModelContents(parts, tensors, Map.of(), Map.of(), Checksums.none());
  }

  private static List<NamedTensor> tensors(SafetensorsHeader header, ModelPart file, int part) {
    List<NamedTensor> tensors = new ArrayList<>();
    for (SafetensorsTensor tensor : header.tensors()) {
      tensors.add(
          NamedTensor.inPlace(
              tensor.name(),
              tensor.dtype(),
              tensor.shape(),
              ByteOrder.LITTLE_ENDIAN,
              part,
              file.bytes(),
              tensor.offset()));
    }
    for (OpaqueTensor tensor : header.opaque()) {
      tensors.add(
          NamedTensor.opaque(
              tensor.name(),
              tensor.isFloating() ? Counting.PARAMETER : Counting.BUFFER,
              tensor.shape(),
              part,
              file.bytes(),
              tensor.offset()));
    }
    return tensors;
  }
}
