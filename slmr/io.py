"""Reading and writing files: digests, JSON, Parquet, JSON lines, YAML settings, and disk errors."""

from __future__ import annotations

import codecs
import errno
import hashlib
import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from slmr.errors import RequestError, WorkError, one_line

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

if TYPE_CHECKING:
    from yaml import SafeLoader as Loader
else:
    try:  # libyaml's, ten times as fast
        from yaml import CSafeLoader as Loader
    except ImportError:
        from yaml import SafeLoader as Loader


# Limits of a settings file: values after its aliases are resolved, and bytes.
MAX_SETTINGS, MAX_SETTINGS_BYTES = 100_000, 4_000_000
_MAX_DEPTH = 50
# Limits of a Parquet file that is read into memory.
MAX_ROWS, MAX_TABLE_BYTES = 20_000_000, 1 << 30


def digest(content: object) -> str:
    """Hash of any JSON-able content, independent of key order."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sha256_of(file: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def disk_faults(where: Path | None = None) -> Iterator[None]:
    """Turns the operating system's file errors into a WorkError of one line; `where` is for those that name no path."""
    try:
        yield
    except Exception as error:
        reason = _REFUSALS.get(_errno(error) or 0)
        if reason is None:
            raise
        path = getattr(error, "filename2", None) or getattr(error, "filename", None) or where
        raise WorkError(f"{path}: {reason}" if path else reason) from error


_REFUSALS = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again, finished work is kept",
    errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
    errno.EACCES: "no permission to read or write it",
    errno.EPERM: "no permission to read or write it",
    errno.EROFS: "the file system is read-only",
    errno.EISDIR: "there is a folder where a file belongs: move it away, and run the same command again",
    errno.ENOTDIR: "part of the path is a file, not a folder",
    errno.EEXIST: "there is a file or a broken link where a folder belongs: move it away, and run the same command"
    " again",
    errno.ELOOP: "a link points to itself: remove it, and run the same command again",
    errno.ENAMETOOLONG: "the name is too long for the file system",
}


def _errno(error: Exception) -> int | None:
    """The system's error number. Libraries in Rust (safetensors) give it only in their message."""
    if isinstance(error, OSError):
        return error.errno
    match = re.search(r"\(os error (\d+)\)", str(error))
    return int(match[1]) if match else None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success it replaces `path`, on failure it is removed.

    Readers see the old file or the new one, never half of one, and writers do not collide. Creates the folder.
    """
    if path.is_dir():  # `.` has no name to put a file beside
        raise IsADirectoryError(errno.EISDIR, "Is a directory", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replacing_folder(folder: Path, partial: Path) -> Iterator[Path]:
    """As `replacing`, for a folder that the caller creates at `partial`. That name is fixed, so hold a lock."""
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder's lock file: one process at a time. Creates the folder."""
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / LOCK):
        yield


LOCK = ".lock"
PARTIAL = ".partial"  # suffix of temporary files; a killed process may leave one behind


def write_text(path: Path, text: str) -> None:
    """Writes a text, atomically."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Writes JSON, atomically."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a file that `write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


# A third smaller than with pyarrow's defaults and slower to write: for the many small files of published results.
_SMALL = {"compression_level": 19, "use_dictionary": False, "write_statistics": False, "store_schema": False}


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], small: bool = False) -> None:
    """Writes rows as Parquet (zstd), atomically. An empty table has no columns. `small` takes longer."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    how: dict[str, Any] = _SMALL if small else {}
    with replacing(path) as partial:
        table = pa.Table.from_pylist(list(rows))
        pq.write_table(table, partial, compression="zstd", write_page_checksum=not small, **how)


def read_rows(path: Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a Parquet file that a stage wrote, all columns or those named.

    Raises:
        OSError: the file is damaged.
        ValueError: the file is damaged, or too large to be read into memory.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as opened:
        metadata = opened.metadata
        columns_of_file = [metadata.schema.column(i) for i in range(metadata.num_columns)]
        texts = [column.path for column in columns_of_file if column.physical_type == "BYTE_ARRAY"]
        packed = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if metadata.num_rows > MAX_ROWS or packed > MAX_TABLE_BYTES:
        raise ValueError(f"{metadata.num_rows:,} rows of {packed:,} bytes are too many to read into memory")
    # The file holds a repeated text once. Dictionary columns keep it so until the total size has been checked.
    table = pq.read_table(
        path,
        columns=None if columns is None else list(columns),
        page_checksum_verification=True,
        read_dictionary=texts,
    )
    if (unpacked := sum(map(_text_bytes, table.columns))) > MAX_TABLE_BYTES:
        raise ValueError(f"its texts have {unpacked:,} bytes, more than the limit of {MAX_TABLE_BYTES:,}")
    return table.to_pylist()


def _text_bytes(column: Any) -> int:
    """Bytes of a column's texts, with repeated texts counted each time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return _text_bytes(pc.list_flatten(column))  # type: ignore[reportAttributeAccessIssue]
    if not pa.types.is_dictionary(column.type):
        return 0
    lengths = (
        pc.take(pc.binary_length(part.dictionary), part.indices)  # type: ignore[reportAttributeAccessIssue]
        for part in column.chunks
    )
    return sum(pc.sum(each).as_py() or 0 for each in lengths)  # type: ignore[reportAttributeAccessIssue]


class Stopwatch:
    """Wall seconds since its construction."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start


class SettingsLoader(Loader):
    """YAML in which a duplicate key is an error; YAML itself would silently take the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if duplicate := next((key for i, key in enumerate(keys) if key in keys[:i]), None):
            raise yaml.constructor.ConstructorError(None, None, f"{duplicate} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_settings(file: Path, what: str, loader: type[SettingsLoader] = SettingsLoader) -> dict[str, Any]:
    """The mapping in a YAML file of at most `MAX_SETTINGS` values, with aliases resolved.

    Raises:
        RequestError: it cannot be read, is not YAML, is too large, or is no mapping; `what` says what it should be.
    """
    try:
        if file.stat().st_size > MAX_SETTINGS_BYTES:
            raise RequestError(f"{file} is larger than {MAX_SETTINGS_BYTES:,} bytes: that is no {what}")
        text = file.read_text(encoding="utf-8-sig")
        _check_depth(text, file)
        content = yaml.load(text, loader)
    except OSError as error:
        raise RequestError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RequestError(f"{file} is not UTF-8: save it in that encoding") from None
    except (
        yaml.YAMLError,
        ValueError,
    ) as error:  # ValueError: an impossible date, or a number that is too long
        raise RequestError(f"{file} is not YAML: {one_line(error)}") from None
    if not isinstance(content, dict):
        raise RequestError(f"{file}: {what} is a mapping of settings")
    _check_size(content, file)
    return content


def _check_depth(text: str, file: Path) -> None:
    """Refuses deep nesting, at which libyaml's unbounded recursion would crash the process."""
    depth = 0
    for event in yaml.parse(text, Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise RequestError(f"{file} is nested deeper than {_MAX_DEPTH} levels")


def _check_size(content: object, file: Path) -> None:
    """Counts every value each time an alias repeats it, because later code walks it that often."""
    pending, seen = [(content, 0)], 0
    while pending:
        value, depth = pending.pop()
        seen += 1
        if seen > MAX_SETTINGS or depth > _MAX_DEPTH:
            raise RequestError(
                f"{file} holds more than {MAX_SETTINGS:,} values, or one that contains itself: look at its aliases (*)"
            )
        if isinstance(value, dict):
            pending += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, (list, tuple, set)):
            pending += [(part, depth + 1) for part in value]


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the changes: mappings are merged key by key, None removes a key, any other value replaces it."""
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            result[key] = merged(old if isinstance(old, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def plugins(group: str) -> list[Any]:
    """The objects that installed packages register under an entry-point group, such as `slmr.tasks`.

    Raises:
        RequestError: one of them cannot be imported.
    """
    from importlib.metadata import entry_points

    return [_load(point) for point in entry_points(group=group)]


def _load(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:  # another package's module may raise anything
        owner = point.dist.name if point.dist else "an installed package"
        raise RequestError(
            f"{owner} registers {point.name} = {point.value} under {point.group}, which cannot be imported"
            f" ({type(error).__name__}: {one_line(error)}): repair or uninstall {owner}"
        ) from error


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The folder `tasks`, `baselines` or `leaderboard`: inside an installed wheel, else in the checkout."""
    bundle = _PACKAGE / "_bundle"
    return (bundle if bundle.is_dir() else _PACKAGE.parent) / name


Placed = Iterator[tuple[str, Any]]  # (location in the file, value)


def json_lines(file: Path) -> Placed:
    """The value of each line of JSON; blank lines are skipped.

    Raises:
        RequestError: the file cannot be read, is not UTF-8, or a line is not JSON.
    """
    # splitlines would also split at U+2028 and the like, which may occur inside a JSON string.
    for i, line in enumerate(read_text(file).split("\n"), 1):
        if line.strip():
            yield f"{file}:{i}", parse_json(line, f"{file}:{i}")


def json_list(file: Path) -> Placed:
    """The members of the JSON list in the file.

    Raises:
        RequestError: as for `json_lines`, or the file does not hold a list.
    """
    records = parse_json(read_text(file), str(file))
    if not isinstance(records, list):
        raise RequestError(f"{file}: it must hold a list of records, not {type(records).__name__}")
    for i, record in enumerate(records):
        yield f"{file}, record {i}", record


def read_text(file: Path) -> str:
    try:
        return file.read_bytes().removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except OSError as error:
        raise RequestError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        byte = f"0x{error.object[error.start]:02x}"
        raise RequestError(f"{file}:{line}: not UTF-8: byte {byte} at position {column} of the line") from None


def parse_json(text: str, place: str) -> Any:
    try:
        value = json.loads(text)
        if _SURROGATE.search(text):  # without its other half no file can hold it
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise RequestError(f"{place}: {half} is half of a character: write both halves, or neither") from None
    except (ValueError, RecursionError) as error:  # ValueError: also for a number with too many digits
        raise RequestError(f"{place}: not JSON: {one_line(error)}") from None
    return value
