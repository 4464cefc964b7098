#!/usr/bin/env python3
"""Writes the golden files beside it: real files of numpy, safetensors, PyTorch and pyarrow, and the numbers they give.

    python src/test/resources/golden/make_golden.py

Every ``expected.json`` speaks the words of the job's report. Pooled means and variances are numpy's, in float64 over
the values as they are stored; ``paper`` is what ``torch.optim.swa_utils.update_bn`` leaves in float64.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

HERE = Path(__file__).resolve().parent
SEED = 1502_03167

TORCH_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "U8": torch.uint8,
}
NPY_DTYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4")

Json = dict[str, Any]
Batches = Sequence[np.ndarray]


# The data


def small_integers() -> np.ndarray:
    """[6, 3, 4, 5] with values in 0..100, which every dtype holds exactly; the channels differ."""
    rng = np.random.default_rng(SEED)
    channels = [rng.integers(low, high, (6, 4, 5)) for low, high in ((0, 101), (40, 60), (7, 8))]
    channels[2][0, 0, 0] = 9  # all but constant
    return np.stack(channels, axis=1)


def normal(shape: tuple[int, ...], offset: float, seed: int) -> np.ndarray:
    """Normal values; channel c (axis 1) has mean offset * (c + 1) and standard deviation 0.5 * (c + 1)."""
    channel = np.arange(1, shape[1] + 1).reshape(-1, *[1] * (len(shape) - 2))
    return (np.random.default_rng([SEED, seed]).normal(size=shape) * 0.5 + offset) * channel


def mini_batches() -> dict[str, list[np.ndarray]]:
    """Float32 mini-batches of unequal sizes and means for a convolutional and a linear layer."""
    conv = [normal((rows, 4, 3, 2), rows, rows).astype(np.float32) for rows in (5, 3, 1, 7)]
    linear = [normal((rows, 6), rows, rows).astype(np.float32) for rows in (5, 3, 2, 7)]
    return {"bn": conv, "features.1.bn": linear}


# The numbers expected


def channel_rows(array: np.ndarray, axis: int) -> np.ndarray:
    """[C, n] in float64."""
    return np.ascontiguousarray(np.moveaxis(array, axis, 0), dtype=np.float64).reshape(array.shape[axis], -1)


def statistics(batches: Batches, axis: int = 1) -> Json:
    """One layer in the words of the report."""
    values = np.concatenate([channel_rows(batch, axis) for batch in batches], axis=1)
    channels, count = values.shape
    paper_mean, paper_variance = paper(batches, axis)
    return {
        "channels": channels,
        "miniBatches": len(batches),
        "count": [count] * channels,
        "mean": values.mean(axis=1).tolist(),
        "variance": {
            "pooled-unbiased": values.var(axis=1, ddof=1).tolist(),
            "pooled-biased": values.var(axis=1, ddof=0).tolist(),
            "paper": paper_variance,
        },
        "means": {"paper": paper_mean},
    }


def paper(batches: Batches, axis: int) -> tuple[list[float], list[float]]:
    """PyTorch's own recalibration over the mini-batches, in float64."""
    layer = nn.BatchNorm1d(batches[0].shape[axis]).double()
    # [1, C, n]: BatchNorm1d takes the statistics over the first and the last axis.
    update_bn([torch.from_numpy(channel_rows(batch, axis)).unsqueeze(0) for batch in batches], layer)
    return layer.running_mean.tolist(), layer.running_var.tolist()


def described(array: np.ndarray, layout: str = "channels-first") -> Json:
    """An array's values in row-major order, and its statistics if it is a layer's mini-batch with values."""
    countable = array.ndim >= 2 and array.size > 0
    axis = 1 if layout == "channels-first" else -1
    return {
        "shape": list(array.shape),
        "layout": layout,
        "values": array.reshape(-1).tolist(),
        "statistics": statistics([array], axis) if countable else None,
    }


# Writing


def fresh_folder(file_format: str, producer: str, version: str) -> Path:
    folder = HERE / file_format / f"{producer}-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write_expected(folder: Path, expected: Json) -> None:
    text = json.dumps(expected, indent=2, ensure_ascii=False)
    # A list of plain values on one line.
    text = re.sub(r"\[([^\[\]{}\"]*)\]", lambda found: f"[{' '.join(found[1].split())}]", text)
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")


def write_npy() -> None:
    folder = fresh_folder("npy", "numpy", np.__version__)
    for order in ("little-endian", "big-endian"):
        (folder / order).mkdir()
    files: Json = {}
    arrays: Json = {}

    def write(name: str, array_name: str, array: np.ndarray, version: tuple[int, int] | None = None) -> None:
        with (folder / f"{name}.npy").open("wb") as file:
            np.lib.format.write_array(file, array, version=version, allow_pickle=False)
        with (folder / f"{name}.npy").open("rb") as file:
            stored_version = np.lib.format.read_magic(file)
        files[f"{name}.npy"] = {
            "descr": np.lib.format.dtype_to_descr(array.dtype),
            "version": list(stored_version),
            "fortranOrder": array.flags.fnc,
            "array": array_name,
        }
        arrays.setdefault(array_name, described(array))

    small = small_integers()
    for dtype in NPY_DTYPES:
        write(f"little-endian/{dtype}", "small", small.astype(f"<{dtype}"))
        write(f"big-endian/{dtype}", "small", small.astype(f">{dtype}"))
    for major in (1, 2, 3):
        write(f"header-v{major}", "small", small.astype("<f4"), (major, 0))
    write("fortran-f4", "small", np.asfortranarray(small.astype("<f4")))
    write("fortran-big-endian-f8", "small", np.asfortranarray(small.astype(">f8")))
    write("fortran-i2", "small", np.asfortranarray(small.astype("<i2")))
    for rank, shape in enumerate(((24, 3), (8, 3, 15), (6, 3, 4, 5), (2, 3, 3, 4, 5)), start=2):
        array = normal(shape, 2.5, rank).astype("<f4")
        write(f"rank-{rank}", f"rank-{rank}", array)
        write(f"rank-{rank}-fortran", f"rank-{rank}", np.asfortranarray(array))
    write("normal-f2", "normal-f2", normal((6, 3, 4, 5), 10, 2).astype("<f2"))
    write("normal-f8", "normal-f8", normal((6, 3, 4, 5), 10, 8))
    write("offset-f4", "offset-f4", normal((6, 3, 4, 5), 1e5, 4).astype("<f4"))
    write("empty-outer-axis", "empty-outer-axis", np.empty((0, 3, 4, 5), "<f4"))
    write("empty-inner-axis", "empty-inner-axis", np.empty((2, 3, 0, 5), "<f4"))
    write("rank-0", "rank-0", np.array(2.5, "<f4"))
    write("rank-1", "rank-1", np.arange(4, dtype="<f4"))
    nhwc = np.ascontiguousarray(small.transpose(0, 2, 3, 1))
    arrays["small-nhwc"] = described(nhwc, "channels-last")
    write("channels-last-f4", "small-nhwc", nhwc.astype("<f4"))
    write_expected(folder, {"producer": f"numpy {np.__version__}", "files": files, "arrays": arrays})


def write_safetensors() -> None:
    folder = fresh_folder("safetensors", "safetensors", safetensors.__version__)
    small = small_integers()
    nhwc = np.ascontiguousarray(small.transpose(0, 2, 3, 1))
    for name, array in (("all-dtypes-nchw", small), ("all-dtypes-nhwc", nhwc)):
        tensors = {word: torch.from_numpy(array).to(dtype) for word, dtype in TORCH_DTYPES.items()}
        safetensors.torch.save_file(tensors, folder / f"{name}.safetensors")

    metadata = {"mode": "train", "note": 'quotes ", \\ and\nlines', "имя": "значение 😀"}
    names = ["слой.1/0", "层 2/0", 'quote".bn/0', "back\\slash/0", "emoji😀/0", "a/b/c/0"]
    safetensors.numpy.save_file(
        {name: small.astype(np.float32) for name in names}, folder / "names-and-metadata.safetensors", metadata
    )

    shapes = {
        "no-rows": (0, 3, 4, 5),
        "no-positions": (2, 3, 0, 5),
        "no-channels": (2, 0),
        "rank-1": (4,),
        "rank-0": (),
    }
    safetensors.numpy.save_file(
        {name: np.full(shape, 2.5, np.float32) for name, shape in shapes.items()}, folder / "shapes.safetensors"
    )
    safetensors.numpy.save_file({}, folder / "no-tensors.safetensors")

    layers = mini_batches()
    tensors = {f"{layer}/{i}": batch for layer, batches in layers.items() for i, batch in enumerate(batches)}
    safetensors.numpy.save_file(tensors, folder / "mini-batches.safetensors")
    (folder / "shards").mkdir()
    for i in range(4):
        shard = {f"{layer}/{i}": batches[i] for layer, batches in layers.items()}
        safetensors.numpy.save_file(shard, folder / "shards" / f"{i:06d}.safetensors", {"mode": "train"})

    for file in folder.rglob("*.safetensors"):
        file.chmod(0o644)
    write_expected(
        folder,
        {
            "producer": f"safetensors {safetensors.__version__}",
            "files": {
                "all-dtypes-nchw.safetensors": {"tensors": dict.fromkeys(TORCH_DTYPES, "small")},
                "all-dtypes-nhwc.safetensors": {"tensors": dict.fromkeys(TORCH_DTYPES, "small-nhwc")},
                "names-and-metadata.safetensors": {"metadata": metadata, "tensors": dict.fromkeys(names, "small")},
                "shapes.safetensors": {"shapes": shapes},
                "no-tensors.safetensors": {"shapes": {}},
                "mini-batches.safetensors": {"layers": list(layers)},
                "shards": {"layers": list(layers)},
            },
            "arrays": {"small": described(small), "small-nhwc": described(nhwc, "channels-last")},
            "layers": {layer: statistics(batches) for layer, batches in layers.items()},
        },
    )


class TwoNorms(nn.Module):
    """A state dict with BatchNorm layers of both kinds between parameters of other modules."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
        self.head = nn.Linear(8, 12)
        self.norm = nn.BatchNorm1d(12, eps=1e-3)
        self.plain = nn.BatchNorm2d(5, affine=False)


def write_torch() -> None:
    folder = fresh_folder("safetensors", "torch", torch.__version__.split("+")[0])
    torch.manual_seed(SEED)
    model = TwoNorms()
    layers = {
        "stem.1": (model.stem[1], (2, 8, 5, 7), 0.0),
        "norm": (model.norm, (9, 12), 0.0),
        # Mean 1e4 and variance 1e-4: scale and shift folded into one lose two digits here.
        "plain": (model.plain, (3, 5, 4, 4), 1e4),
    }
    expected: Json = {}
    for name, (layer, shape, offset) in layers.items():
        randomize(layer, offset)
        spread = 0.01 if offset else 3.0
        values = torch.randn(shape) * spread + offset
        with torch.no_grad():
            exact = copy.deepcopy(layer).eval().double()(values.double())
        np.save(folder / f"{name}-input.npy", values.numpy())
        np.save(folder / f"{name}-output-f64.npy", exact.numpy())
        expected[name] = {
            "epsilon": layer.eps,
            "affine": layer.affine,
            "channels": layer.num_features,
            "batchesTracked": layer.num_batches_tracked.item(),
            "mean": layer.running_mean.tolist(),
            "variance": layer.running_var.tolist(),
            "weight": layer.weight.tolist() if layer.affine else None,
            "bias": layer.bias.tolist() if layer.affine else None,
        }
    safetensors.torch.save_file(model.state_dict(), folder / "model.safetensors", {"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    write_expected(folder, {"producer": f"torch {torch.__version__.split('+')[0]}", "layers": expected})


@torch.no_grad()
def randomize(layer: nn.Module, offset: float) -> None:
    layer.running_mean.normal_(offset, 0.01 if offset else 2.0)
    layer.running_var.uniform_(0.5, 2.0).mul_(1e-4 if offset else 1.0)
    layer.num_batches_tracked.fill_(17)
    if layer.affine:
        layer.weight.normal_(1.0, 0.5)
        layer.bias.normal_()


def parquet_table(layers: dict[str, list[np.ndarray]], element: pa.DataType) -> pa.Table:
    """One row for each mini-batch, the layers taking turns."""
    rows = [(layer, i, batch) for layer, batches in layers.items() for i, batch in enumerate(batches)]
    rows.sort(key=lambda row: row[1])
    return pa.table(
        {
            "layer": pa.array([layer for layer, _, _ in rows], pa.string()),
            "data": pa.array([batch.reshape(-1) for _, _, batch in rows], pa.list_(element)),
            "shape": pa.array([batch.shape for _, _, batch in rows], pa.list_(pa.int32())),
            "batch": pa.array([i for _, i, _ in rows], pa.int64()),
        }
    )


def nested(batches: Sequence[np.ndarray], element: pa.DataType) -> pa.Table:
    """One row for each mini-batch of layer bn, a list for each of its axes."""
    table = parquet_table({"bn": list(batches)}, element)
    for _ in range(batches[0].ndim - 1):
        element = pa.list_(element)
    data = pa.array([batch.tolist() for batch in batches], pa.list_(element))
    return table.set_column(table.schema.get_field_index("data"), "data", data)


def without_nulls(table: pa.Table) -> pa.Table:
    """The same values in columns and lists that declare that they have no nulls."""
    fields = [
        pa.field(field.name, pa.list_(field.type.value_field.with_nullable(False)), nullable=False)
        if pa.types.is_list(field.type)
        else field.with_nullable(False)
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def parquet_forms(layers: dict[str, list[np.ndarray]]) -> dict[str, tuple[list[str], pa.Table, Json]]:
    """File name: its layers, their rows, and how pyarrow is to write them."""
    floats = parquet_table(layers, pa.float32())
    doubles = parquet_table(layers, pa.float64())
    binaries = binary_table(
        [(layer, "F32", batch.tobytes(), batch.shape) for layer, batches in layers.items() for batch in batches]
    )
    # Rows that go over several pages.
    small_pages = {"data_page_size": 64, "write_batch_size": 8}
    plain = {"use_dictionary": False}
    every, conv = list(layers), ["bn"]
    return {
        "list-float-snappy": (every, floats, {"row_group_size": 2, "compression": "snappy"}),
        "list-double-uncompressed": (every, doubles, {"row_group_size": 3, "compression": "none"}),
        "list-float-required-gzip": (every, without_nulls(floats), {"compression": "gzip"}),
        "list-float-byte-stream-split": (
            every,
            floats,
            {"use_byte_stream_split": ["data.list.element"], "compression": "none", **plain},
        ),
        "list-double-checksums-lz4": (
            every,
            doubles,
            {"write_page_checksum": True, "compression": "lz4", **small_pages, **plain},
        ),
        "list-double-small-pages-v2": (
            every,
            doubles,
            {"data_page_version": "2.0", "compression": "snappy", **small_pages},
        ),
        "nested-float-small-pages": (conv, nested(layers["bn"], pa.float32()), {"compression": "none", **small_pages}),
        "nested-double-v2-zstd": (
            conv,
            nested(layers["bn"], pa.float64()),
            {"data_page_version": "2.0", "compression": "zstd", **plain},
        ),
        "binary-uncompressed": (every, binaries, {"row_group_size": 3, "compression": "none"}),
        "binary-delta-v2": (
            every,
            binaries,
            {"column_encoding": {"data": "DELTA_BYTE_ARRAY"}, "data_page_version": "2.0", **plain},
        ),
        "binary-delta-length": (every, binaries, {"column_encoding": {"data": "DELTA_LENGTH_BYTE_ARRAY"}, **plain}),
    }


def binary_table(tensors: Sequence[tuple[str, str, bytes, tuple[int, ...]]]) -> pa.Table:
    """Rows of layer, dtype in safetensors' words, little-endian row-major bytes, shape."""
    return pa.table(
        {
            "layer": pa.array([row[0] for row in tensors], pa.string()),
            "dtype": pa.array([row[1] for row in tensors], pa.string()),
            "data": pa.array([row[2] for row in tensors], pa.binary()),
            "shape": pa.array([row[3] for row in tensors], pa.list_(pa.int64())),
        }
    )


def torch_bytes(array: np.ndarray, dtype: torch.dtype) -> bytes:
    return torch.from_numpy(array).to(dtype).contiguous().view(torch.uint8).numpy().tobytes()


def write_parquet() -> None:
    folder = fresh_folder("parquet", "pyarrow", pa.__version__)
    layers = mini_batches()
    small = small_integers()
    forms = parquet_forms(layers)
    for name, (_, table, options) in forms.items():
        pq.write_table(table, folder / f"{name}.parquet", **options)

    rows = [(word, word, torch_bytes(small, dtype), small.shape) for word, dtype in TORCH_DTYPES.items()]
    all_dtypes = folder / "binary-all-dtypes-snappy.parquet"
    pq.write_table(binary_table(rows), all_dtypes, row_group_size=4, compression="snappy")

    # Folder names that Spark's type inference turns into the numbers 1.1 and 1.1: the names of nested nn.Sequential.
    numeric = {"1.1": layers["bn"], "1.10": layers["features.1.bn"]}
    for name, partitioned in (("partitioned", layers), ("partitioned-numeric", numeric)):
        pq.write_to_dataset(
            parquet_table(partitioned, pa.float32()),
            folder / name,
            partition_cols=["layer"],
            basename_template="part-{i}.parquet",
            row_group_size=2,
            compression="snappy",
        )
    write_expected(
        folder,
        {
            "producer": f"pyarrow {pa.__version__}",
            "files": {
                **{f"{name}.parquet": inside for name, (inside, _, _) in forms.items()},
                "binary-all-dtypes-snappy.parquet": list(TORCH_DTYPES),
                "partitioned": list(layers),
                "partitioned-numeric": list(numeric),
            },
            "layers": {
                **{layer: statistics(batches) for layer, batches in (*layers.items(), *numeric.items())},
                **dict.fromkeys(TORCH_DTYPES, statistics([small])),
            },
        },
    )


def main() -> None:
    torch.set_num_threads(1)
    write_npy()
    write_safetensors()
    write_torch()
    write_parquet()
    sizes = {path: path.stat().st_size for path in HERE.rglob("*") if path.is_file()}
    largest = max(sizes, key=sizes.get)
    print(f"{len(sizes)} files, {sum(sizes.values()):,} bytes; the largest is {largest.name}, {sizes[largest]:,} bytes")


if __name__ == "__main__":
    main()
