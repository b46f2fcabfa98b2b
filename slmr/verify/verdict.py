"""The verdict: what a checker says of one completion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["numeric", "math", "choice"]
Status = Literal["correct", "wrong", "no_answer", "malformed_gold", "timeout", "checker_error"]
ABSTENTIONS: tuple[Status, ...] = ("malformed_gold", "timeout", "checker_error")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One completion's verdict.

    Attributes:
        status: `correct` if the answer is right in any recognisable form. `malformed_gold`, `timeout`
            and `checker_error` are abstentions: the checker could not decide, and says so.
        strict: right, and in the form that the task's prompt asks for.
        lenient: right in any recognisable form. Strict implies lenient.
        extracted: the answer as it was read, None where there is none.
        reason: why, in a few words.
        elapsed_ms: wall time of the check in milliseconds.
    """

    status: Status
    strict: bool
    lenient: bool
    extracted: str | None
    reason: str
    elapsed_ms: float

    @property
    def abstained(self) -> bool:
        return self.status in ABSTENTIONS


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer read from a completion.

    Attributes:
        text: the answer itself.
        strict: it stands in the requested form.
        before: what stands before it, which may deny it.
        after: what follows it, which may say something else.
    """

    text: str
    strict: bool
    before: str = ""
    after: str = ""
