"""Artefacts are whole or absent, made once, and shared by content."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from slmr.artifacts import MANIFEST, Cost, Manifest, Store, file_records
from slmr.errors import WorkError

MANIFEST_CONTENT = Manifest(
    stage="probe",
    stage_version=1,
    key="k",
    parameters={"k": 8},
    inputs={"model": ["a"]},
    seed=0,
    versions={"slmr": "0.1.0"},
    git_revision=None,
    device="cpu",
    threads=1,
    cost=Cost(rollout_tokens=5, wall_s=1.5),
)


def make(store: Store, text: str = "done", key: str = "k") -> None:
    """Build a small artefact the way a stage runner does."""
    with store.build("probe", key) as folder:
        assert folder
        (folder / "rows.txt").write_text(text)
        (folder / MANIFEST).write_text(MANIFEST_CONTENT.model_dump_json())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "artefacts")


# --- whole or absent ----------------------------------------------------------------------------


def test_a_finished_artefact_is_there_with_its_manifest(store: Store) -> None:
    assert not store.has("probe", "k")
    make(store)
    assert store.has("probe", "k")
    assert (store.path("probe", "k") / "rows.txt").read_text() == "done"
    assert store.manifest("probe", "k") == MANIFEST_CONTENT


def test_a_failed_build_leaves_no_artefact_and_its_work_is_offered_again(store: Store) -> None:
    with pytest.raises(RuntimeError, match="diverged"), store.build("probe", "k") as folder:
        assert folder
        (folder / "half.txt").write_text("half")
        raise RuntimeError("diverged")
    assert not store.has("probe", "k") and not store.path("probe", "k").exists()
    with store.build("probe", "k") as folder:
        assert folder and (folder / "half.txt").read_text() == "half"
        (folder / MANIFEST).write_text(MANIFEST_CONTENT.model_dump_json())
    assert (store.path("probe", "k") / "half.txt").is_file()
    assert not folder.exists()


def test_a_killed_build_leaves_no_lock_and_no_artefact(store: Store) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from slmr.artifacts import Store\n"
        "with Store(Path(sys.argv[1])).build('probe', 'k') as folder:\n"
        "    (folder / 'half.txt').write_text('half')\n"
        "    (folder / '.rows.json.0123.partial').write_text('[')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(store.root)], check=False)
    assert not store.has("probe", "k")
    with store.build("probe", "k") as folder:
        assert folder and (folder / "half.txt").is_file()
        (folder / MANIFEST).write_text(MANIFEST_CONTENT.model_dump_json())
    assert store.has("probe", "k")
    assert {file.name for file in store.path("probe", "k").iterdir()} == {"half.txt", MANIFEST}


def test_an_artefact_that_is_there_is_not_built_again(store: Store) -> None:
    make(store)
    with store.build("probe", "k") as folder:
        assert folder is None
    assert (store.path("probe", "k") / "rows.txt").read_text() == "done"


def test_an_artefact_without_a_manifest_is_made_again(store: Store) -> None:
    make(store, "damaged")
    (store.path("probe", "k") / MANIFEST).unlink()
    assert not store.has("probe", "k")
    make(store, "remade")
    assert (store.path("probe", "k") / "rows.txt").read_text() == "remade"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"stage": "probe"}', "\x00"])
def test_a_damaged_manifest_is_one_line_that_says_what_to_do(store: Store, text: str) -> None:
    make(store)
    (store.path("probe", "k") / MANIFEST).write_text(text)
    with pytest.raises(WorkError, match="is damaged") as caught:
        store.manifest("probe", "k")
    assert "delete that folder" in str(caught.value)


# --- several builders -----------------------------------------------------------------------------

BUILDER = """
import sys, time
from pathlib import Path
from slmr.artifacts import MANIFEST, Store
with Store(Path(sys.argv[1])).build("probe", "k") as folder:
    if folder is not None:
        with open(sys.argv[2], "a") as log:
            log.write("built\\n")
        time.sleep(0.5)
        (folder / MANIFEST).write_text("{}")
"""


def test_builders_at_the_same_time_build_once(store: Store, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", BUILDER, str(store.root), str(log)]
    builders = [subprocess.Popen(command) for _ in range(4)]
    assert [builder.wait(60) for builder in builders] == [0, 0, 0, 0]
    assert log.read_text() == "built\n"
    assert store.has("probe", "k")


# --- what the disk refuses ------------------------------------------------------------------------


def test_a_full_disk_is_one_line_and_keeps_what_is_finished(store: Store) -> None:
    make(store, key="first")
    with pytest.raises(WorkError, match="the disk is full") as caught, store.build("probe", "k"):
        Path("/dev/full").write_text("x" * 10_000)
    assert "\n" not in str(caught.value) and caught.value.exit_code == 1
    assert store.has("probe", "first") and not store.has("probe", "k")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.EACCES, "no permission"),
        (errno.EROFS, "read-only"),
        (errno.EDQUOT, "quota"),
        (errno.ENOSPC, "the disk is full"),
    ],
)
def test_a_refusal_is_one_line_that_names_the_place(store: Store, code: int, said: str) -> None:
    with pytest.raises(WorkError, match=said) as caught, store.build("probe", "k"):
        raise OSError(code, "refused", "some/file")
    assert "some/file" in str(caught.value) and "\n" not in str(caught.value)


def test_a_refusal_that_a_library_words_itself_is_understood(store: Store) -> None:
    with pytest.raises(WorkError, match="the disk is full"), store.build("probe", "k"):
        raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")


def test_a_fault_of_the_code_is_not_hidden(store: Store) -> None:
    with pytest.raises(FileNotFoundError), store.build("probe", "k"):
        Path("does/not/exist").read_text()


def test_a_file_where_the_folder_should_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkError, match="is a file, not a folder"):
        Store(tmp_path / "file" / "artefacts").prepare()


# --- costs -----------------------------------------------------------------------------------------


def test_flops_are_six_n_a_trained_and_two_n_a_sampled_or_scored_token() -> None:
    assert Cost.of_model(10, trained=3) == Cost(train_tokens=3, flops=6 * 10 * 3)
    assert Cost.of_model(10, sampled=5) == Cost(rollout_tokens=5, flops=2 * 10 * 5)
    assert Cost.of_model(10, scored=7) == Cost(flops=2 * 10 * 7)
    assert Cost.of_model(10, trained=3, sampled=5, scored=7).flops == 180 + 100 + 140


def test_costs_add_up() -> None:
    total = Cost(train_tokens=1, wall_s=0.5) + Cost(train_tokens=2, teacher_tokens=3, flops=1e9)
    assert total == Cost(train_tokens=3, teacher_tokens=3, flops=1e9, wall_s=0.5)


def test_a_manifest_whose_content_was_changed_is_found(store: Store) -> None:
    folder = store.path("probe", "k")
    folder.mkdir(parents=True)
    (folder / "rows.txt").write_text("rows")
    manifest = Manifest(
        stage="probe",
        stage_version=1,
        key="k",
        parameters={},
        inputs={},
        seed=0,
        versions={},
        git_revision=None,
        device="cpu",
        threads=1,
        cost=Cost(train_tokens=123),
        files=file_records(folder, [folder / "rows.txt"]),
    ).sealed()
    file = folder / MANIFEST
    file.write_text(manifest.model_dump_json())
    assert store.fault("probe", "k") is None
    file.write_text(manifest.model_dump_json().replace("123", "124"))
    assert store.fault("probe", "k") == f"{MANIFEST} has changed since it was written"
    file.write_text(manifest.model_dump_json().replace('"probe"', '"bridge"'))
    assert store.fault("probe", "k") == f"its {MANIFEST} belongs to bridge-k"
    file.write_text(manifest.model_dump_json())
    (folder / "rows.txt").write_text("sows")
    assert store.fault("probe", "k") == "rows.txt has changed since it was written"
    (folder / "rows.txt").unlink()
    assert store.fault("probe", "k") == "rows.txt is missing"
    store.discard("probe", "k")
    assert store.fault("probe", "k") is None and not folder.exists()
