package org.sparkbatchnorm.format.hdf5;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Shape;

/** All objects of a file, from the root down; each is visited once. Use once. */
final class ObjectWalk {
  private final Structures file;
  private final Attributes attributes;
  private final List<Hdf5Group> groups = new ArrayList<>();
  private final List<Hdf5Dataset> datasets = new ArrayList<>();
  private final Map<Long, String> visited = new HashMap<>();
  private final Deque<Place> pending = new ArrayDeque<>();

  private record Place(String path, int depth, Link link) {}

  ObjectWalk(Structures file, Attributes attributes) {
    this.file = file;
    this.attributes = attributes;
  }

  /** Visits the group whose object header is at this address, and all below it. */
  void from(long rootAddress) throws IOException {
    pending.push(new Place("", 0, new Link("", rootAddress, 0)));
    while (!pending.isEmpty()) {
      visit(pending.pop());
    }
  }

  List<Hdf5Group> groups() {
    return groups;
  }

  List<Hdf5Dataset> datasets() {
    return datasets;
  }

  private void visit(Place place) throws IOException {
    requireFirst(place);
    ObjectHeader header = ObjectHeader.read(file, place.link.address());
    Optional<Fields> symbols = header.only(ObjectHeader.SYMBOL_TABLE);
    Optional<Fields> info = header.only(ObjectHeader.LINK_INFO);
    if (header.has(ObjectHeader.DATASPACE)) {
      datasets.add(dataset(place, header));
    } else if (symbols.isPresent()) {
      visitGroup(place, header, new SymbolTable(file).read(symbols.get()));
    } else if (info.isPresent()) {
      visitGroup(place, header, LinkMessages.read(file, header, info.get()));
    } else {
      throw file.malformed(
          place.link.offset(),
          "HDF5_UNSUPPORTED",
          Limits.quoted(place.path) + " is neither a group nor a dataset");
    }
  }

  private void requireFirst(Place place) throws IOException {
    String other = visited.putIfAbsent(place.link.address(), place.path);
    if (other != null) {
      boolean inside = other.isEmpty() || place.path.startsWith(other + "/");
      throw file.malformed(
          place.link.offset(),
          inside ? "HDF5_CYCLE" : "HDF5_LINK",
          Limits.quoted(place.path) + " and " + Limits.quoted(other) + " are the same object");
    }
  }

  private void visitGroup(Place group, ObjectHeader header, List<Link> links) throws IOException {
    groups.add(new Hdf5Group(group.path, attributes.read(header)));
    if (group.depth == Limits.DEPTH && !links.isEmpty()) {
      throw file.malformed(
          group.link.offset(), "HDF5_DEPTH", "groups nested deeper than " + Limits.DEPTH);
    }
    if (visited.size() + pending.size() + links.size() > Limits.OBJECTS) {
      throw file.malformed(
          group.link.offset(),
          "HDF5_TOO_LARGE",
          "more than " + Limits.OBJECTS + " groups and datasets");
    }
    List<Link> sorted = new ArrayList<>(links);
    sorted.sort((a, b) -> NumberedNames.ORDER.compare(a.name(), b.name()));
    for (int i = sorted.size() - 1; i >= 0; i--) {
      Link link = sorted.get(i);
      if (i > 0 && link.name().equals(sorted.get(i - 1).name())) {
        throw file.malformed(
            link.offset(), "HDF5_INVALID", "a second " + Limits.quoted(link.name()));
      }
      String path = group.path.isEmpty() ? link.name() : group.path + "/" + link.name();
      pending.push(new Place(file.hold(path), group.depth + 1, link));
    }
  }

  private Hdf5Dataset dataset(Place place, ObjectHeader header) throws IOException {
    if (header.has(ObjectHeader.EXTERNAL_FILES)) {
      throw file.malformed(
          place.link.offset(),
          "HDF5_EXTERNAL",
          "the elements of " + Limits.quoted(place.path) + " are in other files");
    }
    Dataspace space = Dataspace.read(required(place, header, ObjectHeader.DATASPACE));
    Datatype type = Datatype.read(required(place, header, ObjectHeader.DATATYPE));
    Shape shape = space.isNull() ? Shape.of(0) : space.shape();
    long bytes = bytes(place, shape, type);
    Layout layout = Layout.read(required(place, header, ObjectHeader.LAYOUT), file, bytes);
    Optional<DType> dtype = type.dtype();
    return new Hdf5Dataset(
        place.path,
        dtype,
        type.bytes(),
        type.isOpaque(),
        type.order(),
        shape,
        layout.storage(),
        layout.offset(),
        file.offset("a dataset", place.link.address(), 0),
        attributes.read(header));
  }

  private long bytes(Place place, Shape shape, Datatype type) throws IOException {
    try {
      return Math.multiplyExact(shape.elements(), type.bytes());
    } catch (ArithmeticException e) {
      throw file.malformed(
          place.link.offset(),
          "SIZE_OVERFLOW",
          "the size of " + Limits.quoted(place.path) + " exceeds 2^63 - 1 bytes");
    }
  }

  private Fields required(Place place, ObjectHeader header, int type) throws IOException {
    Optional<Fields> message = header.only(type);
    if (message.isEmpty()) {
      throw file.malformed(
          place.link.offset(),
          "HDF5_INVALID",
          Limits.quoted(place.path) + " has no message of type " + type);
    }
    return message.get();
  }
}
