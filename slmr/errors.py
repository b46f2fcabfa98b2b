"""The two ways a command can fail, and how what others wrote is shown: an unknown name, an error, a model's text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

_SHOWN = 200  # characters of a name that nobody knows
# Characters of what has no space in it, and of a message: a value out of a damaged file may be of any length.
_LONGEST_WORD, _LONGEST = 400, 4000
_LISTED = 20  # names that a message lists although one is near
_SUGGESTED = 3  # names at most
_PART = 3  # characters that a name must have to be looked for inside others


class SlmrError(Exception):
    """A fault with a message for the user; the command line prints it without a traceback.

    It is one line that can be read, whatever is put into it: a name out of a file may hold line breaks or a megabyte.
    """

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(in_one_line(message))


def in_one_line(message: str) -> str:
    """A message without line breaks; of what is too long its beginning and, as that says what to do, its end."""
    lines = (part.strip() for part in message.splitlines() if part.strip())
    words = (_shortened(word, _LONGEST_WORD) for word in " ".join(lines).split(" "))
    return _shortened(" ".join(words), _LONGEST)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest * 2 // 3]}…{text[-longest // 4 :]}"


class RequestError(SlmrError):
    """The request itself is wrong (unknown name, bad option or file): exit code 2."""

    exit_code = 2


class WorkError(SlmrError):
    """The request was right, the work failed (disk full, no permission, divergence): exit code 1."""

    exit_code = 1


def unknown(kind: str, name: str, known: Iterable[str], lister: str = "") -> RequestError:
    """The error for a name that does not exist: suggests the nearest and says what exists.

    Where many names exist and one is near, `lister`, the command that prints them all, stands for their list.
    """
    names = sorted(known)
    near = nearest(name, names)
    many = lister and near and len(names) > _LISTED
    every = f"`{lister}` prints all {len(names)}" if many else f"known: {', '.join(names)}"
    return RequestError(f"unknown {kind} '{name[:_SHOWN]}'{near} ({every})")


def nearest(name: str, known: Sequence[str]) -> str:
    """`; did you mean 'NAME'?`: the most similar name and those that contain it; empty where there is none."""
    if len(name) > _SHOWN:  # the search takes its time
        return ""
    similar = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    longer = [k for k in known if len(name) >= _PART and name.lower() in k.lower()]
    near = dict.fromkeys([*similar, *sorted(longer, key=len)])
    suggested = " or ".join(f"'{found}'" for found in list(near)[:_SUGGESTED])
    return f"; did you mean {suggested}?" if near else ""


def one_line(error: BaseException) -> str:
    """A library's error as one line, for the end of a message of ours."""
    return " ".join(str(error).split()) or type(error).__name__


def visible(text: str) -> str:
    """Control characters, which could move a terminal's cursor or turn the reading direction, as their escapes."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def readable(text: str) -> str:
    """The same without space around it."""
    return visible(text).strip()


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Whatever a library says about a file that it cannot read becomes one line that begins with `what`."""
    try:
        yield
    except WorkError:
        raise
    except Exception as error:  # safetensors, tokenizers and gguf raise what derives from Exception alone
        kind = f"{type(error).__name__} " if isinstance(error, LookupError) else ""
        raise RequestError(f"{what}: {kind}{one_line(error)[:300]}") from None
