"""A model as the teacher, on this machine or behind an OpenAI-compatible API.

The prompts are in `templates/`. Answers are cached by content, so each question is asked once. A cached answer still
counts its tokens, so that a method's cost does not depend on earlier runs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from slmr.curriculum.schema import Problem, verifies
from slmr.engines import Completion, Engine, Prompt, Sampling
from slmr.engines.models import cache_folder
from slmr.io import digest, read_json, write_json
from slmr.tasks import strict_form
from slmr.verify import verify
from slmr.verify.reading.completion import graded_text
from slmr.verify.trace_steps import split_steps

_FOLDER = Path(__file__).parent / "templates"
_FORMS = {"numeric": "the number", "math": "the answer", "choice": "the letter"}


@cache
def template(name: str) -> str:
    """The prompt of that name."""
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8")


def templates_digest() -> str:
    """Hash of all prompts, because another wording makes another teacher."""
    return digest({file.name: file.read_text(encoding="utf-8") for file in sorted(_FOLDER.glob("*.md"))})


class ModelTeacher:
    """Asks a model, identified by `key`; `asked` and `from_cache` count the questions and the cached answers.

    `plainly`: ask with the student's prompt, without instructions.
    """

    separator = "\n"
    exact = False

    def __init__(self, engine: Engine, key: str, sampling: Sampling, plainly: bool = False) -> None:
        self._engine, self._key, self._sampling, self._plainly = engine, key, sampling, plainly
        self._cache = cache_folder() / "teacher"
        self.generated = self.asked = self.from_cache = 0

    def raw_traces(self, problems: Sequence[Problem]) -> list[str | None]:
        name = "plain" if self._plainly else "solve"
        answers = self._ask(name, problems, [{}] * len(problems))
        return [closed(text, problem) for text, problem in zip(answers, problems, strict=True)]

    def rewrites(self, problems: Sequence[Problem], raw: Sequence[str]) -> list[dict[str, str]]:
        answers = self._ask("rewrite", problems, [{"trace": trace} for trace in raw])
        return [{"teacher": closed(text, problem)} for text, problem in zip(answers, problems, strict=True)]

    def worked_steps(self, problems: Sequence[Problem]) -> list[list[str] | None]:
        """The steps of the model's own solution; None if its answer is wrong."""
        traces = self.raw_traces(problems)
        return [
            split_steps(trace) if trace and verifies(trace, problem) else None
            for trace, problem in zip(traces, problems, strict=True)
        ]

    def continuations(self, problems: Sequence[Problem], prefixes: Sequence[str]) -> list[str | None]:
        answers = self._ask("continue", problems, [{"prefix": prefix} for prefix in prefixes])
        rest = [_without(prefix, text) for prefix, text in zip(prefixes, answers, strict=True)]
        return [closed(text, problem) for text, problem in zip(rest, problems, strict=True)]

    def first_wrong(self, problems: Sequence[Problem], attempts: Sequence[str]) -> list[int | None]:
        steps = [split_steps(attempt) for attempt in attempts]
        with_steps = [i for i, s in enumerate(steps) if s]
        numbered = ["\n".join(f"{n}. {step}" for n, step in enumerate(steps[i], 1)) for i in with_steps]
        answers = self._ask("locate", [problems[i] for i in with_steps], [{"numbered": text} for text in numbered])
        indices = {i: _step_number(answer, len(steps[i])) for i, answer in zip(with_steps, answers, strict=True)}
        return [indices.get(i) for i in range(len(steps))]

    def close(self) -> None:
        self._engine.close()

    def _ask(self, name: str, problems: Sequence[Problem], extra: Sequence[dict[str, str]]) -> list[str]:
        questions = [_fill(name, problem, values) for problem, values in zip(problems, extra, strict=True)]
        sampling = asdict(self._sampling)
        files = {text: self._cache / f"{digest([self._key, text, sampling])}.json" for text in questions}
        answers = {text: answer for text, file in files.items() if (answer := _read(file)) is not None}
        missing = [text for text in files if text not in answers]

        def keep(index: int, completion: Completion) -> None:
            question = missing[index]
            answers[question] = {
                "text": (graded_text(completion.text) or "").strip(),
                "tokens": completion.tokens,
            }
            write_json(files[question], answers[question])

        if missing:
            self._engine.generate([Prompt(text) for text in missing], self._sampling, keep)
        self.asked += len(questions)
        self.from_cache += len(questions) - len(missing)
        self.generated += sum(answers[question]["tokens"] for question in questions)
        return [answers[question]["text"] for question in questions]


def closed(text: str, problem: Problem) -> str:
    """The text; if its answer is right but not in the form that the student has to learn, with that form added."""
    verdict = verify(text, problem["gold"], problem["kind"])
    if verdict.lenient and not verdict.strict:
        return f"{text}\n{strict_form(problem['gold'], problem['kind'])}"
    return text


def _fill(name: str, problem: Problem, extra: dict[str, str]) -> str:
    """A template filled with a problem; `plain` is the task's own prompt. Braces in the values are left alone."""
    if name == "plain":
        return problem["prompt"]
    values = {
        "problem": problem["problem"],
        "gold": problem["gold"],
        "form": strict_form(f"({_FORMS[problem['kind']]})", problem["kind"]),
        **extra,
    }
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], template(name)).strip()


def _without(prefix: str, text: str) -> str:
    """A continuation without the beginning, which a model may have repeated."""
    start = prefix.strip()
    return text[len(start) :].lstrip() if start and text.startswith(start) else text


def _step_number(answer: str, steps: int) -> int | None:
    """The step's index that an answer names; None if it names none of the steps."""
    match = re.search(r"\d+", answer)
    number = int(match[0]) if match else 0
    return number - 1 if 1 <= number <= steps else None


def _read(file: Path) -> dict[str, Any] | None:
    """A cached answer; None if it cannot be read, so that the question is asked again."""
    try:
        content = read_json(file)
        return {"text": str(content["text"]), "tokens": int(content["tokens"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None
