"""The two ways a command can fail, and helpers that show unknown names, library errors and model output safely."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

_SHOWN = 200  # characters of an unknown name that are shown
# Maximal characters of a word and of a message: a value from a damaged file may be of any length.
_LONGEST_WORD, _LONGEST = 400, 4000
_LISTED = 20  # known names that a message still lists when it suggests one
_SUGGESTED = 3  # maximal number of suggested names
_MIN_SUBSTRING = 3  # characters that a name needs to be searched for inside others


class SlmrError(Exception):
    """A fault with a message for the user; the command line prints it without a traceback.

    The message is always one readable line, even if a name from a file contains line breaks or a megabyte of text.
    """

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(in_one_line(message))


def in_one_line(message: str) -> str:
    """The message without line breaks; a long one keeps its beginning and its end, which says what to do."""
    lines = (part.strip() for part in message.splitlines() if part.strip())
    words = (_shorten(word, _LONGEST_WORD) for word in " ".join(lines).split(" "))
    return _shorten(" ".join(words), _LONGEST)


def _shorten(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest * 2 // 3]}…{text[-longest // 4 :]}"


class RequestError(SlmrError):
    """The request itself is wrong (unknown name, bad option or file): exit code 2."""

    exit_code = 2


class WorkError(SlmrError):
    """The request was right, the work failed (disk full, no permission, divergence): exit code 1."""

    exit_code = 1


def unknown(kind: str, name: str, known: Iterable[str], lister: str = "") -> RequestError:
    """The error for an unknown name: suggests similar names and lists the known ones.

    If there are many names and one is similar, the message names `lister`, the command that lists them all.
    """
    names = sorted(known)
    near = nearest(name, names)
    many = lister and near and len(names) > _LISTED
    listing = f"`{lister}` prints all {len(names)}" if many else f"known: {', '.join(names)}"
    return RequestError(f"unknown {kind} '{name[:_SHOWN]}'{near} ({listing})")


def check_known(kind: str, name: object, known: Iterable[str], lister: str = "") -> None:
    """Raises the error of `unknown` if the name is not among the known ones."""
    names = list(known)
    if name not in names:
        raise unknown(kind, str(name), names, lister)


def nearest(name: str, known: Sequence[str]) -> str:
    """`; did you mean 'NAME'?`: the most similar name and those that contain it; empty if there is none."""
    if len(name) > _SHOWN:  # the search would be slow
        return ""
    similar = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    longer = [k for k in known if len(name) >= _MIN_SUBSTRING and name.lower() in k.lower()]
    near = dict.fromkeys([*similar, *sorted(longer, key=len)])
    suggested = " or ".join(f"'{suggestion}'" for suggestion in list(near)[:_SUGGESTED])
    return f"; did you mean {suggested}?" if near else ""


def one_line(error: BaseException) -> str:
    """A library's error as one line, to end one of our messages with."""
    return " ".join(str(error).split()) or type(error).__name__


def first_line(error: BaseException) -> str:
    """The first line of a library's error, whose further lines explain its own code."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def visible(text: str) -> str:
    """Escapes control characters, which could move a terminal's cursor or reverse the reading direction."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def readable(text: str) -> str:
    """As `visible`, without surrounding whitespace."""
    return visible(text).strip()


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turns any library error about an unreadable file into a RequestError of one line that begins with `what`."""
    try:
        yield
    except WorkError:
        raise
    except Exception as error:  # the errors of safetensors, tokenizers and gguf derive from Exception only
        kind = f"{type(error).__name__} " if isinstance(error, LookupError) else ""
        raise RequestError(f"{what}: {kind}{one_line(error)[:300]}") from None
