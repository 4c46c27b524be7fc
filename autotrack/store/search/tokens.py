"""The words of a filter, with their places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from autotrack.exceptions import AutotrackException


class Sort(Enum):
    """What a token is."""

    NAME = auto()
    """A field such as ``metrics.loss`` or ``tags.`my tag```, or a word of the grammar."""
    TEXT = auto()
    NUMBER = auto()
    OPERATOR = auto()
    OPEN = auto()
    CLOSE = auto()
    COMMA = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a filter; ``parts`` are a name's prefix, if any, and its key."""

    sort: Sort
    text: str
    at: int
    value: str = ""
    parts: tuple[str, ...] = ()
    quoted: bool = False

    def is_word(self, word: str) -> bool:
        """Whether it is this word of the grammar, in any letter case."""
        return self.sort is Sort.NAME and not self.quoted and self.text.upper() == word


_NUMBER = r"(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-](?i:nan|inf|infinity))(?![\w.\-/])"
_QUOTED = r"`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\""
_TEXT = "'(?:[^']|'')*'"
# A key may hold dots, slashes and the like without quotes: metrics.train/loss, tags.mlflow.user.
_WORD = r"[^\W\d][\w.\-/:@]*"
_TOKEN = re.compile(
    rf"""(?P<space>\s+)
    |(?P<number>{_NUMBER})
    |(?P<text>{_TEXT})
    |(?P<name>(?P<prefix>[^\W\d]\w*)\s*\.\s*(?P<quoted_key>{_QUOTED}|{_TEXT}) | (?P<quoted>{_QUOTED})
        | (?P<word>{_WORD}))
    |(?P<operator><=|>=|!=|=|<|>)
    |(?P<open>\()
    |(?P<close>\))
    |(?P<comma>,)""",
    re.VERBOSE,
)
_LONGEST = 100_000
"""Characters of a filter that are read."""


def invalid(what: str, text: str, at: int, problem: str) -> AutotrackException:
    """The error for a place in a filter or order: names the place and shows it."""
    before, after = text[max(0, at - 40) : at], text[at : at + 40]
    shown = f"{'…' if at > 40 else ''}{before}→{after}{'…' if at + 40 < len(text) else ''}"
    return AutotrackException.invalid(f"invalid {what} at character {at + 1}: {problem} (in {shown!r})")


def tokens(text: str, what: str) -> list[Token]:
    """The tokens of a text, the last one being its end. ``what`` names the text in an error."""
    if len(text) > _LONGEST:
        raise AutotrackException.invalid(f"the {what} has {len(text)} characters; at most {_LONGEST} are read")
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise invalid(what, text, at, _unreadable(text[at]))
        at = match.end()
        if match["space"] is None:
            found.append(_token(match))
    return [*found, Token(Sort.END, "", len(text))]


def _token(match: re.Match[str]) -> Token:
    text, at = match[0], match.start()
    if match["number"] is not None:
        return Token(Sort.NUMBER, text, at, text)
    if match["text"] is not None:
        return Token(Sort.TEXT, text, at, _unquoted(text))
    if match["quoted_key"] is not None:
        return Token(Sort.NAME, text, at, parts=(match["prefix"], _unquoted(match["quoted_key"])), quoted=True)
    if match["quoted"] is not None:
        # In double quotes either a name or a text: the parser knows which it expects.
        return Token(Sort.NAME, text, at, _unquoted(text), (_unquoted(text),), quoted=True)
    if match["word"] is not None:
        prefix, dot, key = text.partition(".")
        return Token(Sort.NAME, text, at, parts=(prefix, key) if dot else (text,))
    for sort in (Sort.OPEN, Sort.CLOSE, Sort.COMMA, Sort.OPERATOR):
        if match[sort.name.lower()] is not None:
            return Token(sort, text, at, text)
    raise AssertionError(match)


def quoted(key: str) -> str:
    """A key as a filter takes it, whatever its characters."""
    return "`" + key.replace("`", "``") + "`"


def literal(text: str) -> str:
    """A text as a filter takes it on the right."""
    return "'" + text.replace("'", "''") + "'"


def _unquoted(text: str) -> str:
    return text[1:-1].replace(text[0] * 2, text[0])


def _unreadable(character: str) -> str:
    if character in "'\"`":
        return f"the quote {character} is never closed"
    return f"{character!r} has no meaning here; a key with unusual characters goes in backticks, as in tags.`my key`"
