"""What must not be written: passwords, tokens and keys, taken out of every text before it reaches a file.

A secret is told by its own shape (a provider's prefix, a private key's frame, the user information of a URL) or by the
name that it is given to. Names are taken apart at word boundaries, so ``num_memory_tokens``, ``tokenizer`` and
``secretary`` are no secrets, and a name that could be either (``token``) needs a value that looks drawn at random. Each
pattern is bounded, so that a hostile text takes time in proportion to its length. Lines stay lines: a difference with
something taken out of it is still one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

MARK = "[redacted]"
"""What stands in the place of a secret."""

_ID = r"[A-Za-z0-9_-]"
_SHAPES = {
    **dict.fromkeys(("AKIA", "ASIA", "ABIA", "ACCA"), r"[0-9A-Z]{16}(?![0-9A-Za-z])"),
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"[A-Za-z0-9]{30,256}"),
    **dict.fromkeys(("hf_", "npm_", "gsk_", "xai-", "r8_"), r"[A-Za-z0-9]{30,256}"),
    **dict.fromkeys(("github_pat_", "dckr_pat_", "pypi-AgE", "nvapi-", "hvs.", "ya29."), _ID + "{20,1024}"),
    **dict.fromkeys(("glpat-", "glrt-", "gldt-", "glcbt-", "glsa_", "GOCSPX-", "tskey-", "ATATT3"), _ID + "{16,512}"),
    **dict.fromkeys(("xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", "xapp-"), _ID + "{10,256}"),
    **dict.fromkeys(("sk_live_", "sk_test_", "rk_live_", "whsec_", "shpat_", "lin_api_", "figd_"), _ID + "{16,256}"),
    "AIza": _ID + "{35}",
    "AGE-SECRET-KEY-1": r"[0-9A-Z]{50,64}",
    "SG.": _ID + r"{16,64}\." + _ID + "{16,64}",
    "dapi": r"[a-f0-9]{32}(?![a-f0-9])",
    "dop_v1_": r"[a-f0-9]{64}",
    "eyJ": _ID + r"{8,4096}\." + _ID + r"{4,4096}(?:\." + _ID + r"{0,4096})?|[A-Za-z0-9+/=_-]{40,4096}",
    # Class names of style sheets begin like the keys of two providers, without digits and capitals.
    "sk-": rf"(?={_ID}{{0,80}}[0-9])(?={_ID}{{0,80}}[A-Z]){_ID}{{20,256}}",
    "hooks.slack.com/services/": r"[A-Za-z0-9/]{10,128}",
    "discord.com/api/webhooks/": r"[0-9]{8,24}/[A-Za-z0-9_-]{20,128}",
}  # fmt: skip
"""What follows each prefix."""
_BOT = re.compile(r"(?<![0-9])[0-9]{8,10}:AA[A-Za-z0-9_-]{33}")
_USER = re.compile(r"://([^\s/?#\"'<>]{1,512})@")
_HEADER = re.compile(r"((?:[Bb]earer|BEARER|[Bb]asic|BASIC)[ \t]{1,4})([A-Za-z0-9._~+/=-]{16,4096})")
_BEGIN, _END = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"), "-----END "
_KEY_LINES, _LONGEST = 200, 40_000
_LINE = re.compile(r"\\\\?[nrt]|[^\s\\\"'+-][^\s\\\"']*+")

_NAMED = re.compile(
    r"(?P<word>(?:passw(?:or)?d|passwort|passphrase|pwd|secret|credential|token|key|auth|cookie|sig)"
    r"[A-Za-z0-9_-]{0,24}+)"
    r"(?:(?P<close>[\\\"'\]]{0,6}+)[ \t]{0,4}+(?P<sign>=>|:=|=(?!=)|:(?!//)|,)(?P<gap>[ \t]{0,4}+)"
    r"|[ \t]{1,4}+(?=[^\s=:-]))",
    re.IGNORECASE,
)
"""A name that may be a secret's, and the sign by which it is given, or the space behind an option."""
_VALUE = re.compile(
    r"[rbfuRBFU]{0,2}(?:\\{0,3}(?:\"(?P<double>[^\"\\\n]{0,4096})|'(?P<single>[^'\\\n]{0,4096}))"
    r"|(?P<bare>[^\s\"'\\,;&)}\]<>|]{1,512})(?P<next>[^\n]?))"
)
_BEFORE = re.compile(r"[A-Za-z0-9_.-]{0,64}\Z")
_CODE = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_]+)*\.?")
"""What may be a variable, an attribute, or a word."""
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]+")

_SECRET = frozenset((
    "password", "passwd", "passwort", "passphrase", "pwd", "secret", "secrets", "credential", "credentials", "apikey",
    "apitoken", "authtoken", "accesskey", "accesstoken", "secretkey", "privatekey",
))  # fmt: skip
_OF_KEYS = frozenset((
    "access", "account", "api", "app", "auth", "client", "consumer", "deploy", "encryption", "hmac", "jwt", "license",
    "master", "private", "secret", "service", "session", "shared", "signing", "ssh", "storage", "subscription",
))  # fmt: skip
_OF_TOKENS = frozenset((
    "access", "api", "auth", "bearer", "bot", "deploy", "github", "gitlab", "hf", "hub", "jwt", "oauth", "personal",
    "private", "refresh", "registry", "security", "service", "session", "slack", "vault",
))  # fmt: skip
_MAYBE = frozenset(("token", "authorization", "bearer", "cookie", "sig", "signature", "auth", "sas"))
_FORMS = frozenset(("value", "text", "string", "str", "plain", "hash", "b64", "base", "env"))
"""Words behind the telling one that leave the value what it is."""
_COUNTS = frozenset(("n", "num", "max", "min", "count", "total", "len", "is", "has", "use", "no", "with", "per"))
_TYPES = frozenset(
    ("str", "int", "bool", "bytes", "float", "object", "any", "none", "true", "false", "null", "optional")
)


@lru_cache(maxsize=4096)
def level(name: str) -> int:
    """2 for a name that only a secret has, 1 for one that a secret may have, else 0."""
    parts = [part.lower() for part in _PARTS.findall(name[-200:])]
    while parts and parts[-1] in _FORMS:
        parts.pop()
    if not parts or parts[0] in _COUNTS:
        return 0
    last, before = parts[-1], parts[-2] if len(parts) > 1 else ""
    if last in _SECRET or (last == "key" and before in _OF_KEYS) or (last == "token" and before in _OF_TOKENS):
        return 2
    return 1 if last in _MAYBE else 0


def pair(name: str, value: str) -> str:
    """The value that is recorded under a name."""
    found = level(name)
    if found == 2 and not _trivial(value):
        return MARK
    if found == 1 and _random(value):
        return MARK
    return text(value) if len(value) >= 12 else value


def pairs(values: Mapping[str, Any]) -> dict[str, Any]:
    """Names with their values, of which those that are texts have lost their secrets."""
    return {name: pair(name, value) if type(value) is str else value for name, value in values.items()}


def tree(value: Any, name: str = "") -> Any:
    """What JSON can hold, with each text in it cleared; a text below a name is judged by that name too."""
    if isinstance(value, str):
        return pair(name, value)
    if isinstance(value, Mapping):
        return {key: tree(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [tree(item, name) for item in value]
    return value


def arguments(words: Sequence[str]) -> list[str]:
    """A command line; the value of an option may be a word of its own."""
    found: list[str] = []
    option = ""
    for word in words:
        found.append(pair(option, word) if option and not word.startswith("-") else text(word))
        option = word.lstrip("-") if word.startswith("--") and "=" not in word else ""
    return found


def text(content: str) -> str:
    """A text without the secrets in it."""
    return _short(content) if len(content) <= 200 else _cleared(content)


def _cleared(content: str) -> str:
    for prefix in _SHAPES:
        if prefix in content:
            content = _shape(prefix).sub(MARK, content)
    if ":AA" in content:
        content = _BOT.sub(MARK, content)
    if "://" in content:
        content = _USER.sub(_without_user, content)
    if "PRIVATE KEY" in content:
        content = _without_keys(content)
    if "earer" in content or "asic" in content or "BEARER" in content or "BASIC" in content:
        content = _HEADER.sub(_without_header, content)
    return _without_values(content)


_short = lru_cache(maxsize=2048)(_cleared)
"""Paths, names and settings come again with every run."""


@cache
def _shape(prefix: str) -> re.Pattern[str]:
    # Made when it is needed: all of them take longer than the start of a run may.
    known = re.escape(prefix)
    return re.compile(rf"{known}(?<![A-Za-z0-9_]{known})(?:{_SHAPES[prefix]})")


def _without_user(found: re.Match[str]) -> str:
    # "git@" in front of a host says how to log in, not as whom.
    return found[0] if found[1] in ("git", MARK) else f"://{MARK}@"


def _without_header(found: re.Match[str]) -> str:
    return found[1] + MARK if _random(found[2]) else found[0]


def _without_values(content: str) -> str:
    pieces: list[str] = []
    place = kept = 0
    while (found := _NAMED.search(content, place)) is not None:
        place = found.end()
        value = _VALUE.match(content, place)
        before = _BEFORE.search(content, max(0, found.start() - 64), found.start())
        name = (before[0] if before else "") + found["word"]
        if value is not None and (known := level(name)) and _is_given(found, value, name, known):
            group = value.lastgroup if value["bare"] is None else "bare"
            pieces += (content[kept : value.start(group or 0)], MARK)
            place = kept = value.end(group or 0)
    return "".join((*pieces, content[kept:])) if pieces else content


def _is_given(found: re.Match[str], value: re.Match[str], name: str, known: int) -> bool:
    """Whether a value, as it stands there, is a secret rather than a word of the program."""
    sign, quote = found["sign"], value["bare"] is None
    given: str = value["bare"] or value["double"] or value["single"] or ""
    if _trivial(given):
        return False
    if sign is None:  # a space: only behind an option is what follows its value
        return name.startswith("--") and (known == 2 or _random(given))
    if known == 1:
        return _random(given)
    if sign == ",":
        return bool(found["close"] and quote) and any(c.isdigit() for c in given)
    if quote:
        return True
    if value["next"] in ("(", "[") or any(c in given for c in "([{"):
        return False  # code: a call, an index
    if name.isupper() and not found["gap"]:
        return True  # as in a file of variables
    return not _CODE.fullmatch(given)


def _trivial(value: str) -> bool:
    """Whether a value says nothing: absent, a placeholder, a reference to somewhere else, a small number."""
    bare = value.strip()
    if len(bare) < 3 or bare == MARK or bare.lower() in _TYPES or not bare.strip("*xX.<>"):
        return True
    return bare.startswith(("${", "{{", "$(", "<", "%(", "{")) or (bare[0] == "$" and bare[1:].isidentifier())


def _random(value: str) -> bool:
    """Whether a value looks drawn: long, of one piece, letters mixed with digits."""
    if (
        not 16 <= len(value) <= 4096
        or not re.fullmatch(r"[A-Za-z0-9._~+/=:%-]+", value)
        or value.startswith(("/", "."))
    ):
        return False
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value) and len(set(value)) >= 8


def _without_line(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith("\\") else MARK  # the ends of lines, as they are written inside a text


def _without_keys(content: str) -> str:
    pieces: list[str] = []
    place, closing = 0, -1
    while (begin := _BEGIN.search(content, place)) is not None:
        if closing < begin.end():
            closing = content.find(_END, begin.end())
            closing = len(content) + _LONGEST if closing < 0 else closing
        end = closing
        if closing - begin.end() > _LONGEST:  # cut off: as many lines as a key may have
            end = begin.end()
            for _ in range(_KEY_LINES):
                following = content.find("\n", end, end + 120)
                if following < 0:
                    end = len(content) if len(content) - end < 120 else end
                    break
                end = following + 1
        pieces += (content[place : begin.end()], _LINE.sub(_without_line, content[begin.end() : end]))
        place = end
    return "".join((*pieces, content[place:]))
