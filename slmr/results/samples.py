"""What is right in a file of completions, item by item. It imports little: the leaderboard waits for it."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slmr.errors import RequestError

if TYPE_CHECKING:
    import pyarrow as pa

Scores = tuple[tuple[str, ...], np.ndarray]  # the items of a file in its order, and what is right: [items, k]
Stamp = tuple[int, int]  # when a file was changed, and its size
Read = dict[Path, tuple[Stamp, Scores]]

# A leaderboard asks again at every click. A file of 2,000 completions takes 20 kB.
_READ: Read = {}


def scores_of(file: Path) -> Scores:
    """The items of a file of completions, in its order, and whether each completion is strictly right: [items, k].

    Raises:
        RequestError: it is missing, no such file, or its items have different numbers of completions.
    """
    try:
        stat = file.stat()
    except OSError:
        raise RequestError(f"{file} is missing: a paired comparison needs the completions") from None
    stamp, known = (stat.st_mtime_ns, stat.st_size), _READ.get(file)
    if known is None or known[0] != stamp:
        known = _READ[file] = stamp, _scores(file)
    return known[1]


def read_below(folder: Path) -> Read:
    """Reads all that lie in or below a folder, in one process for another one to `remember`.

    What is wrong with a file is said when it is used.
    """
    read: Read = {}
    for place, inner, files in os.walk(folder):
        inner[:] = [name for name in inner if name != "artefacts"]
        if "samples" in Path(place).relative_to(folder).parts:
            for name in files:
                file = Path(place, name)
                with suppress(RequestError):
                    scores_of(file)
                    read[file] = _READ[file]
    return read


def remember(read: Read) -> None:
    """Takes over what another process has read."""
    _READ.update(read)


def _scores(file: Path) -> Scores:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file, pre_buffer=False) as opened:
            table = opened.read(columns=["item_id", "strict"], use_threads=False)
        ids, places = _items(table["item_id"])
        strict = table["strict"].to_numpy().astype(float)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise RequestError(f"{file} is no file of completions: {str(error).splitlines()[0]}") from None
    if places is None:
        raise RequestError(f"{file}: its items have different numbers of completions, or there are none")
    values = strict[places]
    values.setflags(write=False)
    return ids, values


def _items(column: pa.ChunkedArray) -> tuple[tuple[str, ...], np.ndarray | None]:
    """The items of a column of ids, and the rows of each: [items, k], None where their numbers differ.

    All methods of a board have the same items: a column that was seen before is not read again.
    """
    import pyarrow as pa

    column = column.cast(pa.string())
    whole = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return _grouped(len(whole), *(None if b is None else bytes(b) for b in whole.buffers()))


@lru_cache(maxsize=256)
def _grouped(
    length: int, missing: bytes | None, offsets: bytes | None, text: bytes | None
) -> tuple[tuple[str, ...], np.ndarray | None]:
    """Of a column of texts as Arrow keeps it."""
    import pyarrow as pa

    parts = [None if part is None else pa.py_buffer(part) for part in (missing, offsets, text)]
    found = pa.Array.from_buffers(pa.string(), length, parts).dictionary_encode()
    codes = found.indices.to_numpy()  # a ValueError where an id is missing
    counts = np.bincount(codes, minlength=1)
    even = length and counts.min() == counts.max()
    places = np.argsort(codes, kind="stable").reshape(len(counts), -1) if even else None
    return tuple(found.dictionary.to_pylist()), places
