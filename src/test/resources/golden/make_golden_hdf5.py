#!/usr/bin/env python3
"""Writes the HDF5 files beside it: trees in every form that h5py writes them in, and files meant to harm a reader.

    python src/test/resources/golden/make_golden_hdf5.py

``expected.json`` says what h5py itself sees in the files that are to be read; the others must be refused.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "hdf5" / f"h5py-{h5py.version.version}"

Json = dict[str, Any]


# What is to be read


def fill(file: h5py.File) -> None:
    """Groups, names with numbers and other letters, texts of both kinds, every type of element."""
    numbers = np.arange(6).reshape(2, 3)
    types = file.create_group("types")
    for dtype in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        types.create_dataset(dtype, data=numbers.astype("<" + dtype))
        if dtype[1] != "1":
            types.create_dataset("big-" + dtype, data=numbers.astype(">" + dtype))
    types.create_dataset("bool", data=np.array([True, False]))
    types.create_dataset("opaque", data=np.arange(4, dtype="u2").view("V2"))
    types.create_dataset("texts", data=np.array([b"a", b"bc"]))
    types.create_dataset("compound", data=np.zeros(2, [("a", "f4"), ("b", "i4")]))
    shapes = file.create_group("shapes")
    shapes.create_dataset("scalar", data=np.float32(2.5))
    shapes.create_dataset("empty", data=np.zeros((0, 3), "f4"))
    shapes.create_dataset("null", data=h5py.Empty("f4"))
    shapes.create_dataset("unwritten", (1 << 20, 1 << 20), "f4")
    shapes.create_dataset("rank-5", data=np.arange(2 * 3 * 1 * 2 * 2, dtype="f4").reshape(2, 3, 1, 2, 2))
    shapes.create_dataset("chunks", data=numbers.astype("f4"), chunks=(1, 3))
    shapes.create_dataset("gzip", data=np.zeros((64, 64), "f4"), compression="gzip", shuffle=True)
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((3,))
    dataset = h5py.h5d.create(shapes.id, b"compact", h5py.h5t.IEEE_F32LE, space, dcpl=compact)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1, 2, 3], "f4"))
    names = file.create_group("names")
    for i in (10, 9, 100, 1, 2):
        names.create_group(f"layer_{i}")
    names.create_group("layer")
    names.create_group("слой 😀")
    names["layer"].attrs["name"] = "имя"
    names["layer"].attrs["other"] = 5
    names["layer_1"].attrs["name"] = np.bytes_(b"fixed")
    names["layer_2"].attrs["name"] = 7
    names["layer_9"].attrs["name"] = ["two", "texts"]
    names["layer_10"].attrs["name"] = ""


def many(links: int) -> Callable[[h5py.File], None]:
    """A group of so many datasets, enough for a tree of several levels in the old form and a heap in the new."""

    def write(file: h5py.File) -> None:
        group = file.create_group("many")
        for i in range(links):
            group.create_dataset(f"a-rather-long-name-{i}", data=np.float32(i))

    return write


def with_user_block(path: Path) -> None:
    with h5py.File(path, "w", userblock_size=1024) as file:
        file.create_dataset("d", data=np.arange(4, dtype="f4"))
    with path.open("r+b") as file:
        file.write(b"user block")


def described(path: Path) -> Json:
    """What h5py sees: groups with the texts of their attribute ``name``, datasets."""
    groups: Json = {}
    datasets: Json = {}

    def visit(name: str, node: h5py.Group | h5py.Dataset) -> None:
        text = node.attrs.get("name")
        if isinstance(text, np.bytes_):
            text = text.decode()
        if isinstance(node, h5py.Group):
            groups[name] = text if isinstance(text, str) else None
            return
        datasets[name] = {
            "dtype": node.dtype.str,
            "shape": [0] if node.shape is None else list(node.shape),
            "offset": node.id.get_offset(),
            "stored": node.id.get_storage_size(),
            "layout": {0: "COMPACT", 1: "CONTIGUOUS", 2: "CHUNKED"}[node.id.get_create_plist().get_layout()],
        }

    with h5py.File(path) as file:
        visit("", file)
        file.visititems(visit)
    return {"groups": groups, "datasets": datasets}


# What is to be refused


def external_link(file: h5py.File) -> None:
    file["out"] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(file: h5py.File) -> None:
    file.create_group("a")["back"] = h5py.SoftLink("/a")


def hard_link_cycle(file: h5py.File) -> None:
    group = file.create_group("a").create_group("b")
    group["up"] = file["a"]


def second_name(file: h5py.File) -> None:
    file.create_dataset("a", data=np.zeros(3, "f4"))
    file["b"] = file["a"]


def external_storage(file: h5py.File) -> None:
    file.create_dataset("d", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def virtual_dataset(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "d", (4,))
    file.create_virtual_dataset("d", layout)


def named_type(file: h5py.File) -> None:
    file["t"] = np.dtype("f4")


def shared_type(file: h5py.File) -> None:
    file["t"] = np.dtype("f4")
    file.create_dataset("a", data=np.zeros(3, "f4"), dtype=file["t"])


def many_attributes(file: h5py.File) -> None:
    for i in range(20):
        file.attrs[f"a{i}"] = i


def deep(file: h5py.File) -> None:
    file.create_group("/".join("g" * 102))


def long_name(file: h5py.File) -> None:
    file.create_group("n" * 5000)


# Name of the file: what writes it, and h5py's options, among them the form of the file.
READ: dict[str, tuple[Callable[[h5py.File], None], Json]] = {
    "tree-old": (fill, {}),
    "tree-new": (fill, {"libver": ("v108", "v108")}),
    "tree-latest": (fill, {"libver": "latest"}),
    "tree-ordered": (fill, {"track_order": True}),
    "many-old": (many(150), {}),
    "many-new": (many(200), {"libver": ("v108", "v108")}),
    "many-ordered": (many(40), {"track_order": True}),
}
REFUSED: dict[str, tuple[Callable[[h5py.File], None], Json]] = {
    "external-link": (external_link, {}),
    "external-link-new": (external_link, {"libver": "latest"}),
    "soft-link": (soft_link, {}),
    "soft-link-new": (soft_link, {"libver": "latest"}),
    "hard-link-cycle": (hard_link_cycle, {}),
    "second-name": (second_name, {}),
    "external-storage": (external_storage, {}),
    "virtual-dataset": (virtual_dataset, {"libver": "latest"}),
    "named-type": (named_type, {}),
    "shared-type": (shared_type, {}),
    "many-attributes": (many_attributes, {"libver": "latest"}),
    "deep": (deep, {"libver": "latest"}),
    "long-name": (long_name, {}),
}


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name, (write, options) in (READ | REFUSED).items():
        with h5py.File(FOLDER / f"{name}.h5", "w", **options) as file:
            write(file)
    with_user_block(FOLDER / "user-block.h5")
    expected = {f"{name}.h5": described(FOLDER / f"{name}.h5") for name in (*READ, "user-block")}
    text = json.dumps({"producer": f"h5py {h5py.version.version}", "files": expected}, ensure_ascii=False)
    # A dataset a line.
    (FOLDER / "expected.json").write_text(text.replace("}, ", "},\n") + "\n", encoding="utf-8")
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    largest = max(sizes, key=sizes.get)
    print(f"{len(sizes)} files, {sum(sizes.values()):,} bytes; the largest is {largest}, {sizes[largest]:,} bytes")


if __name__ == "__main__":
    main()
