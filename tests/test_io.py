"""Files: written whole or not at all, read with every fault in one line, and settings laid over each other."""

from __future__ import annotations

import errno
import json
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.errors import RequestError, WorkError
from slmr.io import (
    Stopwatch,
    digest,
    disk_faults,
    json_lines,
    json_list,
    merged,
    plugins,
    read_json,
    read_rows,
    read_settings,
    read_text,
    replacing,
    replacing_folder,
    resource,
    write_json,
    write_rows,
    write_text,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
SETTINGS = st.dictionaries(
    st.sampled_from("abc"),
    st.integers() | st.dictionaries(st.sampled_from("abc"), st.integers(), max_size=3),
    max_size=3,
)


# --- written whole or not at all ---------------------------------------------------------------------


def test_a_file_that_fails_half_written_leaves_the_old_one_alone(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "file.txt"
    write_text(file, "old")
    with pytest.raises(KeyboardInterrupt), replacing(file) as partial:
        partial.write_text("half of the n")
        assert file.read_text() == "old"
        raise KeyboardInterrupt
    assert file.read_text() == "old" and list(file.parent.iterdir()) == [file]


def test_a_block_that_writes_nothing_is_a_fault_and_leaves_the_old_file(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "old")
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "file"):
        pass
    assert (tmp_path / "file").read_text() == "old"


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    with replacing(tmp_path / "file") as first, replacing(tmp_path / "file") as second:
        assert first != second and first.parent == second.parent == tmp_path
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "file").read_text() == "first"  # the outer one came last


def test_readers_see_a_whole_file_while_it_is_written_again_and_again(tmp_path: Path) -> None:
    file, stop, faults = tmp_path / "rows.json", threading.Event(), []
    write_json(file, [0] * 1000)

    def read() -> None:
        while not stop.is_set():
            content = read_json(file)
            if len(content) != 1000 or len(set(content)) != 1:
                faults.append(content)

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(200):
        write_json(file, [i] * 1000)
    stop.set()
    reader.join()
    assert not faults


@pytest.mark.parametrize("fails", [False, True])
def test_a_folder_takes_the_others_place_whole_or_not_at_all(tmp_path: Path, fails: bool) -> None:
    folder, partial = tmp_path / "folder", tmp_path / ".work" / "folder"
    for remains in (folder, partial):
        remains.mkdir(parents=True)
        (remains / "old").touch()
    try:
        with replacing_folder(folder, partial):
            assert not partial.exists()  # what a killed process left there is gone
            partial.mkdir()
            (partial / "new").touch()
            if fails:
                raise WorkError("no")
    except WorkError:
        pass
    assert [file.name for file in folder.iterdir()] == ["old" if fails else "new"]
    assert not partial.exists()


@given(JSON)
def test_json_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    file = tmp_path_factory.getbasetemp() / "content.json"
    write_json(file, content)
    assert read_json(file) == content


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text(max_size=8),
            "k": st.integers(0, 2**31),
            "rate": st.floats(allow_nan=False),
            "right": st.none() | st.booleans(),
        }
    ),
    max_size=5,
)


@given(ROWS)
def test_rows_come_back_from_parquet(tmp_path_factory: pytest.TempPathFactory, rows: list[dict]) -> None:
    file = tmp_path_factory.mktemp("rows") / "rows.parquet"
    write_rows(file, rows)
    assert read_rows(file) == rows
    assert [path.name for path in file.parent.iterdir()] == ["rows.parquet"]


@pytest.mark.parametrize("small", [False, True])
def test_rows_come_back_as_they_were(tmp_path: Path, small: bool) -> None:
    rows = [{"a": 1, "b": ["x", "\u2028"]}, {"a": 2, "b": []}]
    write_rows(tmp_path / "rows.parquet", rows, small)
    assert read_rows(tmp_path / "rows.parquet") == rows
    assert read_rows(tmp_path / "rows.parquet", ["a"]) == [{"a": 1}, {"a": 2}]
    write_rows(tmp_path / "rows.parquet", [])
    assert read_rows(tmp_path / "rows.parquet") == []


# --- digests -----------------------------------------------------------------------------------------


def test_a_digest_depends_on_the_content_and_not_on_the_order_of_keys() -> None:
    # The first 16 hex digits of sha256 of `{"a": 1, "b": [2]}`.
    assert digest({"b": [2], "a": 1}) == digest({"a": 1, "b": [2]}) == "ae8a9a5052464275"
    assert digest({"a": 1, "b": [2]}) != digest({"a": 1, "b": [2, 2]})
    assert digest([1, 2]) != digest([2, 1])


def reverse_keys(content: object) -> object:
    """The same content with every mapping's keys in the opposite order."""
    if isinstance(content, dict):
        return {key: reverse_keys(content[key]) for key in reversed(content)}
    return [reverse_keys(part) for part in content] if isinstance(content, list) else content


@given(JSON)
def test_a_digest_does_not_depend_on_the_order_of_keys(content: object) -> None:
    assert digest(content) == digest(reverse_keys(content))


def test_a_digest_depends_on_everything_else() -> None:
    different = [{"a": 1}, {"a": 2}, {"b": 1}, [1, 2], [2, 1], "1", 1, 1.5, None, True, {"a": [1]}]
    assert len({digest(content) for content in different}) == len(different)


# --- settings ----------------------------------------------------------------------------------------


def test_changes_go_into_mappings_and_none_removes() -> None:
    base = {"a": {"x": 1, "y": 2}, "b": [1, 2], "c": 3}
    assert merged(base, {"a": {"y": 5}, "b": [9], "c": None}) == {"a": {"x": 1, "y": 5}, "b": [9]}
    assert base == {"a": {"x": 1, "y": 2}, "b": [1, 2], "c": 3}
    assert merged({"b": 1}, {"a": {"x": None, "y": 5}}) == {"b": 1, "a": {"y": 5}}  # nothing there to remove


@given(SETTINGS, SETTINGS)
def test_changes_win_key_by_key_and_twice_is_as_once(base: dict[str, Any], changes: dict[str, Any]) -> None:
    once = merged(base, changes)
    assert merged(once, changes) == once
    assert set(once) == set(base) | set(changes)  # no None at the top of these
    assert all(once[key] == value for key, value in changes.items() if not isinstance(value, dict))
    assert merged(base, {}) == base


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB.encode(), "holds more than 100,000 values"),
        (b"a: &a [*a]", "or one that contains itself"),
        (b"a: " + b"[" * 90 + b"]" * 90, "nested deeper than 50 levels"),
        (b"a: " + b"[" * 100_000, "nested deeper than 50 levels"),
        (b"a: 1\nb: {c: 1, c: 2}", "c is given twice"),
        (b"a: 2026-02-31", "is not YAML: day is out of range"),
        (b"a: " + b"9" * 5000, "is not YAML: Exceeds the limit"),
        ("a: 1".encode("utf-16"), "is not UTF-8"),
        (b"a: \xff", "is not UTF-8"),
        (b"a: \x00", "is not YAML"),
        (b"#" * 5_000_000, "is larger than 4,000,000 bytes"),
    ],
)
def test_yaml_that_is_a_trap_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_bytes(content)
    with pytest.raises(RequestError, match=message) as error:
        read_settings(file, "a recipe")
    assert "\n" not in str(error.value) and str(file) in str(error.value)


def test_settings_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "dangling.yaml").symlink_to(tmp_path / "nowhere")
    for name in ("folder.yaml", "dangling.yaml", "missing.yaml"):
        with pytest.raises(RequestError, match=f"{name} cannot be read: "):
            read_settings(tmp_path / name, "a recipe")


def test_anchors_and_a_byte_order_mark_are_as_good_as_ever(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_bytes(b"\xef\xbb\xbfbase: &b {x: 1, y: 2}\nmine: {<<: *b, y: 3}\n")
    assert read_settings(tmp_path / "s.yaml", "a recipe")["mine"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "s.yaml is not YAML: "),
        ("- a", "s.yaml: a recipe is a mapping"),
        ("", "a recipe is a mapping"),
    ],
)
def test_settings_that_are_none_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(RequestError, match=message) as error:
        read_settings(tmp_path / "s.yaml", "a recipe")
    assert "\n" not in str(error.value)


def test_resources_are_in_the_checkout() -> None:
    assert (resource("tasks") / "svamp" / "task.yaml").is_file()


# --- JSON lines --------------------------------------------------------------------------------------


def test_a_line_ends_at_a_line_feed_only(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"a": "x\u2028y\u0085z"}\r\n\n  \n[1]', encoding="utf-8")
    assert list(json_lines(file)) == [(f"{file}:1", {"a": "x\u2028y\u0085z"}), (f"{file}:4", [1])]


@given(st.lists(JSON, max_size=5))
def test_lines_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, contents: list[Any]) -> None:
    file = tmp_path_factory.getbasetemp() / "lines.jsonl"
    file.write_text("".join(json.dumps(c, ensure_ascii=False) + "\n" for c in contents), encoding="utf-8")
    assert [content for _, content in json_lines(file)] == contents


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\n{"a": \xff}', "f:2: not UTF-8: byte 0xff at position 7 of the line"),
        (b"{}\n{", "f:2: not JSON: "),
        (b"[" * 100_000, "f:1: not JSON: "),
        (b"1" * 5_000, "f:1: not JSON: "),
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f").write_bytes(content)
    with pytest.raises(RequestError, match=message) as error:
        list(json_lines(Path("f")))
    assert "\n" not in str(error.value)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b'\xef\xbb\xbf["a"]')
    assert read_text(tmp_path / "f") == '["a"]'
    assert list(json_list(tmp_path / "f")) == [(f"{tmp_path / 'f'}, record 0", "a")]
    (tmp_path / "f").write_text("{}")
    with pytest.raises(RequestError, match="it must hold a list of records, not dict"):
        list(json_list(tmp_path / "f"))
    with pytest.raises(RequestError, match=r"cannot read .*: No such file"):
        read_text(tmp_path / "absent")


# --- faults of the disk ------------------------------------------------------------------------------


def test_what_the_disk_refuses_is_one_line_that_says_where() -> None:
    with pytest.raises(WorkError, match=r"^here: the disk is full"), disk_faults(Path("here")):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(WorkError, match=r"^there: no permission"), disk_faults(Path("here")):
        raise PermissionError(errno.EACCES, "Permission denied", "there")
    with pytest.raises(WorkError, match=r"^here: the disk is full"), disk_faults(Path("here")):
        raise RuntimeError("I/O error: No space left on device (os error 28)")  # as safetensors says it


def test_a_refused_read_is_not_called_a_write() -> None:
    """The block may read as well as write, and the system does not tell them apart."""
    with pytest.raises(WorkError, match=r"^there: no permission to read or write it$"), disk_faults():
        raise PermissionError(errno.EACCES, "Permission denied", "there")


def test_a_fault_without_a_place_names_none() -> None:
    with pytest.raises(WorkError, match=r"^no permission"), disk_faults():
        raise PermissionError(errno.EACCES, "Permission denied")


def test_other_faults_stay_what_they_are() -> None:
    with pytest.raises(FileNotFoundError), disk_faults(Path("here")):
        raise FileNotFoundError(errno.ENOENT, "No such file", "x")
    with pytest.raises(ZeroDivisionError), disk_faults(Path("here")):
        raise ZeroDivisionError


def test_a_stopwatch_does_not_go_back() -> None:
    watch = Stopwatch()
    assert 0 <= watch.seconds <= watch.seconds


# --- other packages -----------------------------------------------------------------------------------


def test_a_plugin_that_cannot_be_imported_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "broken_tasks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-tasks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[slmr.tasks]\nmine = broken_tasks:FOLDER\n")
    (tmp_path / "broken_tasks.py").write_text("import a_module_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RequestError, match=r"broken-tasks registers mine.*ModuleNotFoundError.*uninstall"):
        plugins("slmr.tasks")


def test_a_flipped_byte_of_a_table_is_noticed(tmp_path: Path) -> None:
    rows = [{"completion": f"It is {i}. #### {i}", "strict": i % 3 == 0} for i in range(400)]
    file = tmp_path / "rows.parquet"
    write_rows(file, rows)
    content = file.read_bytes()
    noticed = 0
    for at in range(100, len(content) // 2, 97):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        try:
            assert read_rows(file) == rows
        except (OSError, ValueError):
            noticed += 1
    assert noticed > 3


def test_a_small_file_of_much_text_is_not_read(tmp_path: Path) -> None:
    """One text of a megabyte in two thousand rows is in the file once."""
    file, text = tmp_path / "bomb.parquet", "x" * 2**20
    table = pa.table({"text": pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), [text])})
    pq.write_table(table, file, compression="zstd")
    assert file.stat().st_size < 2**20
    with pytest.raises(ValueError, match="its texts have 2,097,152,000 bytes"):
        read_rows(file)
    with pytest.raises(ValueError, match="its texts have"):
        nested = pa.table({"texts": pa.array([[text]] * 1100, pa.list_(pa.dictionary(pa.int32(), pa.string())))})
        pq.write_table(nested, file, compression="zstd")
        read_rows(file)


def test_more_rows_than_are_read_whole_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path / "rows.parquet", [{"a": i} for i in range(20)])
    monkeypatch.setattr("slmr.io.MAX_ROWS", 19)
    with pytest.raises(ValueError, match="20 rows"):
        read_rows(tmp_path / "rows.parquet")


def test_a_file_or_a_dead_link_where_a_folder_belongs_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(WorkError, match="where a folder belongs"), disk_faults(tmp_path):
            write_json(tmp_path / name / "x.json", {})
