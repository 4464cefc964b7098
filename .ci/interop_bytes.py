"""Which bytes of a model file changed, and which of them could not but change."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from interop_support import Checks

# [start, end) in a file.
Range = tuple[int, int]

LOCAL_HEADER, CENTRAL_HEADER, DATA_DESCRIPTOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x07\x08"
HAS_DATA_DESCRIPTOR = 0x08


def check_changed_bytes(checks: Checks, name: str, before: Path, after: Path, allowed: Iterable[Range]) -> None:
    """Bytes differ in these ranges only, in each of them, and the length is the same."""
    old, new = (np.fromfile(file, np.uint8) for file in (before, after))
    checks.equal(f"{name}: length of the file", len(new), len(old))
    if len(new) != len(old):
        return
    changed = old != new
    ranges = list(allowed)
    checks.equal(f"{name}: ranges that did not change", [r for r in ranges if not changed[slice(*r)].any()], [])
    for start, end in ranges:
        changed[start:end] = False
    checks.equal(f"{name}: bytes changed beside them", np.flatnonzero(changed)[:9].tolist(), [])


def safetensors_ranges(file: Path, names: Iterable[str]) -> list[Range]:
    """Where these tensors stand."""
    with file.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        header = json.loads(opened.read(length))
    return [tuple(8 + length + offset for offset in header[name]["data_offsets"]) for name in names]


class Zip:
    """Where the parts of a zip stand; read anew from its bytes, as zipfile tells it of headers only."""

    def __init__(self, file: Path) -> None:
        self._bytes = file.read_bytes()
        with zipfile.ZipFile(file) as opened:
            self._entries = {entry.filename: entry for entry in opened.infolist()}
            self._central = {name: offset for name, offset in self._central_headers(opened.start_dir)}
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in self._entries.values()):
            raise ValueError(f"{file} is compressed")

    def _central_headers(self, offset: int) -> Iterator[tuple[str, int]]:
        while self._bytes[offset : offset + 4] == CENTRAL_HEADER:
            name, extra, comment = struct.unpack_from("<3H", self._bytes, offset + 28)
            yield self._bytes[offset + 46 : offset + 46 + name].decode(), offset
            offset += 46 + name + extra + comment

    def data_offset(self, name: str) -> int:
        start = self._entries[name].header_offset
        if self._bytes[start : start + 4] != LOCAL_HEADER:
            raise ValueError(f"{name} has no local header")
        return start + 30 + sum(struct.unpack_from("<2H", self._bytes, start + 26))

    def size(self, name: str) -> int:
        return self._entries[name].file_size

    def checksum_ranges(self, name: str) -> list[Range]:
        """The CRC of an entry: in its local header or after its data, and in the central directory."""
        entry = self._entries[name]
        places = [self._central[name] + 16]
        if entry.flag_bits & HAS_DATA_DESCRIPTOR:
            end = self.data_offset(name) + entry.file_size
            if self._bytes[end : end + 4] != DATA_DESCRIPTOR:
                raise ValueError(f"{name} has no data descriptor")
            places.append(end + 4)
        if not entry.flag_bits & HAS_DATA_DESCRIPTOR or self._crc_in_local_header(entry):
            places.append(entry.header_offset + 14)
        return [(place, place + 4) for place in places]

    def _crc_in_local_header(self, entry: zipfile.ZipInfo) -> bool:
        return struct.unpack_from("<I", self._bytes, entry.header_offset + 14)[0] == entry.CRC != 0

    def ranges(self, name: str, inner: Iterable[Range]) -> list[Range]:
        """Ranges inside an entry as ranges of the file, and the entry's checksums."""
        start = self.data_offset(name)
        return [*((start + a, start + b) for a, b in inner), *self.checksum_ranges(name)]


def check_zip_intact(checks: Checks, name: str, file: Path) -> None:
    with zipfile.ZipFile(file) as opened:
        checks.equal(f"{name}: entries with a wrong checksum", opened.testzip(), None)
