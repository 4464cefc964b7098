"""Turns with other contestants of a benchmark: one line in, one figure out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

import torch


def take_turns(versions: str, passes: Mapping[str, Callable[[], object]]) -> None:
    """Says "ready" and the versions, then answers every line "NAME THREADS" with the seconds of one pass."""
    print(f"ready {versions}", flush=True)
    with torch.no_grad():
        for line in sys.stdin:
            name, threads = line.split()
            torch.set_num_threads(int(threads))
            start = time.perf_counter()
            passes[name]()
            print(time.perf_counter() - start, flush=True)
