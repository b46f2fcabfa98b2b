"""Reads verdicts from files of completions, item by item. It imports little, because the leaderboard waits for it."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from slmr.errors import RequestError, first_line
from slmr.results.runs.files import ARTEFACTS, SAMPLES

if TYPE_CHECKING:
    import pyarrow as pa


class Verdicts(NamedTuple):
    """The verdicts in a file of completions.

    Attributes:
        items: their ids, in the order of the file.
        strict: [items, k], 1 where a completion is strictly right, else 0; read-only.
    """

    items: tuple[str, ...]
    strict: np.ndarray


Stamp = tuple[int, int]  # when a file was changed (ns), and its size (bytes)
CachedVerdicts = dict[Path, tuple[Stamp, Verdicts]]

# A leaderboard asks again at every click. A file of 2,000 completions takes 20 kB.
_CACHE: CachedVerdicts = {}
_MOST_ROWS = 10**7  # a file of a few bytes can say that it has as many as it likes


def read_verdicts(file: Path) -> Verdicts:
    """The verdicts of a file of completions; the file is read again only if it has changed.

    Raises:
        RequestError: it is missing, no such file, or its items have different numbers of completions.
    """
    try:
        stat = file.stat()
    except OSError:
        raise RequestError(f"{file} is missing: a paired comparison needs the completions") from None
    stamp, entry = (stat.st_mtime_ns, stat.st_size), _CACHE.get(file)
    if entry is None or entry[0] != stamp:
        entry = _CACHE[file] = stamp, _read(file)
    return entry[1]


def read_below(folder: Path) -> CachedVerdicts:
    """Reads all verdicts in or below a folder, in one process for another one to `remember`.

    What is wrong with a file is said when it is used.
    """
    verdicts: CachedVerdicts = {}
    for path, subfolders, files in os.walk(folder):
        subfolders[:] = [name for name in subfolders if name != ARTEFACTS]
        if SAMPLES in Path(path).relative_to(folder).parts:
            for name in files:
                file = Path(path, name)
                with suppress(RequestError):
                    read_verdicts(file)
                    verdicts[file] = _CACHE[file]
    return verdicts


def remember(verdicts: CachedVerdicts) -> None:
    """Takes over the verdicts that another process has read."""
    _CACHE.update(verdicts)


def read_marks(file: Path, column: str) -> np.ndarray | None:
    """Another column of truth values such as `sound`, in the shape of `Verdicts.strict`; None if the file lacks it.

    Raises:
        RequestError: as `read_verdicts`.
    """
    import pyarrow.parquet as pq

    read_verdicts(file)  # says what is wrong with the file
    if column not in (schema := pq.read_schema(file)).names or str(schema.field(column).type) != "bool":
        return None
    table = pq.read_table(file, columns=["item_id", column])
    if table[column].null_count:
        return None
    _, rows = _rows_by_item(table["item_id"])
    return table[column].to_numpy().astype(float)[rows]


def read_labels(file: Path) -> dict[str, str]:
    """Item → its exposure, else its level, if the completions have one.

    The column `reach` holds the exposure of items of a world of skills; `difficulty`, a level, is of those without.

    Raises:
        RequestError: as `read_verdicts`.
    """
    import pyarrow.parquet as pq

    read_verdicts(file)
    names = pq.read_schema(file).names
    for column, form in (("reach", "{}"), ("difficulty", "level {}")):
        if column in names:
            table = pq.read_table(file, columns=["item_id", column])
            pairs = zip(table["item_id"].to_pylist(), table[column].to_pylist(), strict=True)
            if labels := {item: form.format(value) for item, value in pairs if value is not None}:
                return labels
    return {}


def _read(file: Path) -> Verdicts:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file, pre_buffer=False) as opened:
            if opened.metadata.num_rows > _MOST_ROWS:
                raise ValueError(f"it has {opened.metadata.num_rows:,} rows, more than {_MOST_ROWS:,}")
            table = opened.read(columns=["item_id", "strict"], use_threads=False)
        items, rows = _rows_by_item(table["item_id"])
        strict = table["strict"].to_numpy().astype(float)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise RequestError(f"{file} is not a file of completions: {first_line(error)}") from None
    if rows is None:
        raise RequestError(f"{file}: its items have different numbers of completions, or there are none")
    values = strict[rows]
    values.setflags(write=False)
    return Verdicts(items, values)


def _rows_by_item(column: pa.ChunkedArray) -> tuple[tuple[str, ...], np.ndarray | None]:
    """The items in a column of ids, and the rows of each, [items, k]; None if items have different numbers of rows.

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
    """As `_rows_by_item`, from the buffers of an Arrow column of texts."""
    import pyarrow as pa

    parts = [None if part is None else pa.py_buffer(part) for part in (missing, offsets, text)]
    ids = pa.Array.from_buffers(pa.string(), length, parts).dictionary_encode()
    codes = ids.indices.to_numpy()  # a ValueError where an id is missing
    counts = np.bincount(codes, minlength=1)
    even = length and counts.min() == counts.max()
    rows = np.argsort(codes, kind="stable").reshape(len(counts), -1) if even else None
    return tuple(ids.dictionary.to_pylist()), rows
