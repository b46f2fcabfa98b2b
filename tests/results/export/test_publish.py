"""What is published of a run, with and without a licence, at once or in parts."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.io import read_rows, write_rows
from slmr.results.analysis.compare import compare
from slmr.results.analysis.ranking import rank_methods
from slmr.results.analysis.selection import Filters, load_results, notes_on
from slmr.results.export.publish import publish
from slmr.results.render.report import write_report
from slmr.results.render.tables import as_markdown, ranking_tables
from slmr.results.runs.files import EXAMPLES, RunFiles, read_table
from slmr.results.runs.method_results import run_results
from slmr.results.runs.notes import NOTE
from slmr.results.runs.rescore import rescore
from slmr.results.runs.schema import read_summary, write_summary
from tests.results.made_runs import a_run, made_run


def test_a_published_run_holds_what_a_reader_needs(tmp_path: Path) -> None:
    run = a_run(tmp_path / "eval-m", {"lab_gsm8k": [True, False]})
    target = publish(run, tmp_path / "results")
    assert target == tmp_path / "results" / "eval-m"
    text = (target / "README.md").read_text()
    assert "m is the only model, at 50.0 % (" in text and "slmr eval m" in text
    (row,) = csv.DictReader((target / "rows.csv").open(encoding="utf-8"))
    assert (row["method"], row["task"], row["items"], row["accuracy"]) == ("eval", "lab_gsm8k", "2", "50.0")
    (published,) = read_summary(target / "summary.json").rows
    assert published.samples(target) == published.samples(run)
    assert "prompt" not in read_rows(published.samples_file(target))[0]  # once for all methods
    assert publish(run, tmp_path / "results") == target  # again: in its place
    assert compare(str(target), str(run)).tasks[0].difference.mean == 0


@pytest.mark.parametrize("name", ["../mine", "a/b", "..", ".", "/mine", ".hidden", "a\nb"])
def test_no_name_leads_out_of_the_results(tmp_path: Path, name: str) -> None:
    run = a_run(tmp_path / "run", {"lab_gsm8k": [True, False]})
    with pytest.raises(RequestError, match="a published run has the name of a folder"):
        publish(run, tmp_path / "results", name)
    assert not (tmp_path / "results").exists()


def test_a_run_is_published_from_inside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(tmp_path / "run", {"lab_gsm8k": [True, False]})
    for inside, here in ((run, "."), (run / "samples", "..")):
        monkeypatch.chdir(inside)
        assert publish(Path(here), tmp_path / "results") == tmp_path / "results" / "run"


def test_texts_without_a_licence_are_not_published(tmp_path: Path) -> None:
    run = a_run(tmp_path / "eval-m", {"logiqa": [True, False]}, edition="paper")
    target = publish(run, tmp_path / "results", "mine")
    (published,) = read_summary(target / "summary.json").rows
    samples = read_rows(published.samples_file(target))
    assert [s["strict"] for s in samples] == [True, False]
    assert not {"prompt", "completion", "gold", "extracted", "reason"} & set(samples[0])
    with pytest.raises(RequestError, match="without some of its texts"):
        rescore(target)


@pytest.mark.parametrize("free", [True, False, None])
def test_a_run_over_an_own_task_is_published_as_its_licence_says(tmp_path: Path, free: bool | None) -> None:
    """Nobody needs the task's folder: what it said is stored with the rows; where it is not, no text is published."""
    said = {"redistribute": free, "licence": "CC-BY-4.0" if free else None, "data": "nuts.jsonl"}
    run = a_run(tmp_path / "m", {"nuts": [True, False]}, edition="own", checker_version="numeric-1", **said)
    target = publish(run, tmp_path / "results")
    (published,) = read_summary(target / "summary.json").rows
    assert (published.suite, published.edition, published.redistribute) == ("nuts", "own", free)
    texts = [sample.get("prompt") for sample in published.samples(target)]
    assert texts == (["?", "?"] if free else [None, None])
    (line,) = [line for line in (target / "README.md").read_text().splitlines() if line.startswith("- nuts")]
    ends = "; licence: CC-BY-4.0" if free else "; its texts are not published"
    assert line == f"- nuts: nuts.jsonl{ends}"


def test_texts_of_the_first_completions_alone_can_be_published(tmp_path: Path) -> None:
    run = a_run(tmp_path / "eval-m", {"lab_gsm8k": [True, False]})
    (of_run,) = read_summary(run / "summary.json").rows
    file = of_run.samples_file(run)
    write_rows(file, [{**sample, "k_index": k} for sample in read_rows(file) for k in range(3)])
    target = publish(run, tmp_path / "results", "few", texts=1)
    kept = of_run.samples(target)
    assert [s["completion"] for s in kept] == ["#### 7", None, None, "#### 8", None, None]
    assert [s["strict"] for s in kept] == [True] * 3 + [False] * 3
    with pytest.raises(RequestError, match="without some of its texts: rescore the run itself"):
        rescore(target)
    assert of_run.samples(target) == kept
    assert compare(str(target), str(run)).tasks[0].difference.mean == 0
    again = publish(run, tmp_path / "results", "few")
    assert of_run.samples(again) == of_run.samples(run)


@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize("what", EXAMPLES)
def test_texts_of_training_problems_follow_their_licence_too(tmp_path: Path, what: str, free: bool) -> None:
    said = {"redistribute": free, "licence": "CC-BY-4.0" if free else None, "data": "nuts.jsonl"}
    run = a_run(tmp_path / "m", {"nuts": [True, False]}, edition="own", checker_version="numeric-1", **said)
    (row,) = read_summary(run / "summary.json").rows
    row.files(run).write_table(what, [{"task": "nuts", "text": "of a training problem"}])
    target = publish(run, tmp_path / "results")
    file = row.files(target).table(what)
    assert [e["text"] for e in read_table(file)] == ["of a training problem"] if free else not file.exists()


def test_a_run_that_has_nothing_in_common_is_not_joined(tmp_path: Path) -> None:
    publish(a_run(tmp_path / "one", {"lab_gsm8k": [True, False]}), tmp_path / "results", "mine")
    other = a_run(tmp_path / "other", {"lab_math": [True, False]})
    with pytest.raises(RequestError, match="mine holds lab_gsm8k, and this run has none of these tasks"):
        publish(other, tmp_path / "results", "mine")
    assert [row.task for row in read_summary(tmp_path / "results/mine/summary.json").rows] == ["lab_gsm8k"]


def test_runs_of_two_profiles_are_not_joined(tmp_path: Path) -> None:
    for profile in ("lab", "lab-long"):
        command = f"slmr bench --method sft --profile {profile} --seed 0"
        a_run(tmp_path / profile, {"lab_gsm8k": [True, False]}, command=command)
    publish(tmp_path / "lab", tmp_path / "results", "mine")
    with pytest.raises(RequestError, match="profile lab, this run has lab-long: publish it under another --name"):
        publish(tmp_path / "lab-long", tmp_path / "results", "mine")


@pytest.mark.parametrize("what", ["samples", "course"])
def test_a_damaged_file_is_named(tmp_path: Path, what: str) -> None:
    run = a_run(tmp_path / "eval-m", {"lab_gsm8k": [True, False]})
    (of_run,) = read_summary(run / "summary.json").rows
    file = of_run.samples_file(run) if what == "samples" else RunFiles(run, "eval", "m", 0).table(what)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"PAR1 and no more")
    with pytest.raises(RequestError, match=rf"{file.name} is damaged: "):
        publish(run, tmp_path / "results")
    assert not (tmp_path / "results" / "eval-m").exists()
    if what == "samples":
        with pytest.raises(RequestError, match=rf"{file.name} is damaged: "):
            rescore(run)


def table(run: Path) -> str:
    return as_markdown(ranking_tables(rank_methods(run_results(run)))[0])


def test_parts_are_published_one_by_one(tmp_path: Path) -> None:
    first = made_run(tmp_path / "a", {"base": 0.3, "grpo": 0.5}, seeds=[0])
    second = made_run(tmp_path / "b", {"base": 0.3, "grpo": 0.5}, seeds=[1])
    whole = made_run(tmp_path / "c", {"base": 0.3, "grpo": 0.5}, seeds=[0, 1])
    for run in (first, second, first):  # the same part again changes nothing
        target = publish(run, tmp_path / "results", "lab")
    key = lambda row: (row.seed, row.identity)  # noqa: E731
    assert sorted(read_summary(target / "summary.json").rows, key=key) == sorted(
        read_summary(whole / "summary.json").rows, key=key
    )
    assert table(target) == table(whole)
    # Texts of an item are kept once; together they are what the run has, but for the log-probabilities.
    row = read_summary(target / "summary.json").rows[0]
    kept = read_rows(row.samples_file(target))
    assert not {"prompt", "gold", "logprob"} & set(kept[0])
    expected = [{k: v for k, v in s.items() if k != "logprob"} for s in read_rows(row.samples_file(whole))]
    assert row.samples(target) == expected


def test_an_older_checker_is_named_before_the_task_whose_version_depends_on_it(tmp_path: Path) -> None:
    for folder, changes in (("old", {"task_version": "1-a", "checker_version": "old"}), ("new", {})):
        a_run(tmp_path / folder, {"lab_gsm8k": [True] * 3}, method=folder, **{"task_version": "1-b"} | changes)
    publish(tmp_path / "old", tmp_path / "results", "lab")
    with pytest.raises(RequestError, match="`slmr rescore` the older one first"):
        publish(tmp_path / "new", tmp_path / "results", "lab")


@pytest.mark.parametrize("what", ["task_version", "checker_version"])
def test_parts_of_other_versions_are_not_published_together(tmp_path: Path, what: str) -> None:
    def published(seed: int, **versions: str) -> Path:
        run = made_run(tmp_path / f"seed {seed} {versions}", {"base": 0.3, "grpo": 0.5}, seeds=[seed])
        rows = [row.model_copy(update=versions) for row in read_summary(run / "summary.json").rows]
        write_summary(run / "summary.json", rows)
        return publish(run, tmp_path / "results", "lab")

    before = (published(0) / "summary.json").read_bytes()
    with pytest.raises(RequestError, match=f"of the {what.removesuffix('_version')}.*another --name"):
        published(1, **{what: "9-new"})
    assert (tmp_path / "results/lab/summary.json").read_bytes() == before
    target = published(0, **{what: "9-new"})  # takes the place of every row, so nothing is mixed
    assert {getattr(row, what) for row in read_summary(target / "summary.json").rows} == {"9-new"}


def test_a_method_whose_seeds_have_several_versions_is_not_compared(tmp_path: Path) -> None:
    run = made_run(tmp_path / "a", {"base": 0.3, "grpo": 0.5}, seeds=[0, 1])
    rows = [
        row.model_copy(update={"checker_version": "9-new"}) if (row.method, row.seed) == ("grpo", 1) else row
        for row in read_summary(run / "summary.json").rows
    ]
    write_summary(run / "summary.json", rows)
    (note,) = rank_methods(run_results(run)).notes
    assert note.startswith("grpo: not compared: its seeds have several versions of the checker: ")


def test_a_note_stays_at_the_top_of_a_folder_that_is_published_again(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", {"base": 0.3})
    target = publish(run, tmp_path / "results", "lab")
    assert (target / "README.md").read_text(encoding="utf-8").startswith("# lab\n\n## lab-llama\n")
    (target / NOTE).write_text("> **Withdrawn.** Do not rely on it.\n", encoding="utf-8")
    assert publish(run, tmp_path / "results", "lab") == target
    page = (target / "README.md").read_text(encoding="utf-8")
    assert page.startswith("# lab\n\n> **Withdrawn.** Do not rely on it.\n\n## lab-llama\n")
    assert (target / NOTE).is_file()


def test_a_note_is_said_first_in_a_report_and_on_the_board(tmp_path: Path) -> None:
    run = made_run(tmp_path / "results" / "lab", {"base": 0.3, "sft": 0.4})
    (run / NOTE).write_text("> **Withdrawn.** Do not\n> rely on `it`.\n>\n> | a |\n", encoding="utf-8")
    page = write_report([run], tmp_path / "out", html=True).read_text(encoding="utf-8")
    assert page.index("<p>Withdrawn. Do not rely on it.</p>") < page.index("<h2>")
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert text.index("> **Withdrawn.** Do not") < text.index("## ")
    loaded = load_results(tmp_path / "results")
    assert notes_on(loaded, Filters("lab")) == [("lab: Withdrawn. Do not rely on it.", "")]
    assert notes_on(loaded, Filters("lab", students=("another",))) == notes_on(loaded, Filters("paper")) == []


def test_of_a_long_note_the_first_sentence_is_shown_in_a_report_and_on_the_board(tmp_path: Path) -> None:
    run = made_run(tmp_path / "results" / "lab", {"base": 0.3, "sft": 0.4})
    rest = "The <rest> is long. " * 12
    (run / NOTE).write_text(f"> **Withdrawn.** {rest}\n", encoding="utf-8")
    page = write_report([run], tmp_path / "out", html=True).read_text(encoding="utf-8")
    assert "<details><summary>Withdrawn.</summary><p>The &lt;rest&gt; is long. The" in page
    (note,) = notes_on(load_results(tmp_path / "results"), Filters("lab"))
    assert note == ("lab: Withdrawn.", rest.strip())


def test_a_published_note_stands_in_the_pages_beside_it() -> None:
    """A note is written by hand, the pages by commands: all are committed, and no page goes without its note."""
    notes = list((Path(__file__).parents[3] / "results").rglob(NOTE))
    assert notes
    for note in notes:
        text = note.read_text(encoding="utf-8").strip()
        head = text.removeprefix("> **").partition("**")[0]
        assert (note.parent / "README.md").read_text(encoding="utf-8").startswith(f"# {note.parent.name}\n\n{text}\n")
        for page in note.parent.glob("report.*"):
            assert head in page.read_text(encoding="utf-8")[:20_000], f"{page} does not begin with {note}"
