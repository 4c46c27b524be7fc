"""What the program calls the data that it goes over: the words at the place where a pass begins."""

from __future__ import annotations

import dis
import re
import sys
import weakref
from bisect import bisect_right
from collections.abc import Iterator
from inspect import CO_OPTIMIZED
from itertools import islice
from types import CodeType, FrameType
from typing import Any, NamedTuple

from autotrack_torch.labels import local

_SPLITS = {
    "train": "train", "training": "train", "trn": "train",
    "val": "val", "valid": "val", "validation": "val", "validate": "val", "dev": "val", "devel": "val",
    "eval": "val", "evaluate": "val", "evaluation": "val",
    "test": "test", "testing": "test", "tst": "test",
}  # fmt: skip
_WEAK = frozenset(("eval", "evaluate", "evaluation"))
"""They say that something is evaluated, and not on what."""
_DATA = frozenset((
    "loader", "loaders", "dataloader", "dataloaders", "dl", "data", "dataset", "ds", "set", "iter", "it",
))  # fmt: skip
_NAMES = frozenset((
    "LOAD_FAST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF", "LOAD_ATTR", "LOAD_METHOD", "LOAD_CLASSDEREF",
    "LOAD_FAST_BORROW", "LOAD_FAST_CHECK",
))  # fmt: skip
_BUILTINS = frozenset(("enumerate", "zip", "iter", "range", "len", "islice", "self"))
_NOT_THE_PROGRAM = frozenset(("autotrack", "autotrack_torch", "torch", "wrapt", "tqdm", "rich", "alive_progress"))
_PARTS = frozenset(("split", "phase", "mode", "part", "partition", "subset", "stage"))
"""Variables whose value is the name of a part of the data."""
_LEVELS = 2
_CALLS = 4
_MOST = 512

_words: dict[tuple[CodeType, int], tuple[str, ...]] = {}


_given: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()


def name(loader: Any, split: str) -> None:
    """Call what is evaluated on a loader so: its metrics are ``<split>/loss`` and so on, whatever its own name is."""
    _given[loader] = split


def given(loader: Any) -> str:
    """What a loader was called; empty if nothing."""
    return _given.get(loader, "")


def is_given(split: str) -> bool:
    """Whether some loader was called so."""
    return split in _given.values()


class Place(NamedTuple):
    """Where in the program something happens: for each of the innermost functions its name and the names in the
    expression that is being evaluated, innermost first."""

    file: str
    line: int
    levels: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def cycled(self) -> bool:
        """Whether the loader is handed to ``itertools.cycle``."""
        return bool(self.levels) and "cycle" in self.levels[0][1]

    def split(self, default: str = "val") -> str:
        """The part of the data: "train", "val" or "test"."""
        return self.told()[0] or default

    def told(self) -> tuple[str, str]:
        """The part of the data, and the name that says so. The loader's own name counts first, then the function's that
        goes over it, then the same of its caller."""
        weak = "", ""
        for function, names in self.levels:
            loaders = [name for name in names if _parts(name) & _DATA]
            for name in (*loaders, *names, function):
                for word in _ordered(name):
                    split = _SPLITS.get(word)
                    if word in _WEAK:
                        weak = weak if weak[0] else (_SPLITS[word], name)
                    elif split and (split != "train" or name in loaders):  # train() may well evaluate
                        return split, name
        return weak

    def name(self) -> str:
        """The loader's name, as near as the program gives one."""
        for _, names in self.levels[:1]:
            for name in names:
                if _parts(name) & _DATA and name != "iter" and not name[0].isupper():
                    return name
            if names[1:2] == ("DataLoader",):
                return names[0]  # a variable that was made so
        return "data"

    def __str__(self) -> str:
        return f"{self.file.rpartition('/')[2]} line {self.line}" if self.file else "?"


NOWHERE = Place("", 0, ())


def here(depth: int = 1) -> Place:
    """The place in the program that has led to the caller."""
    around = frames(sys._getframe(depth))
    found: list[tuple[str, tuple[str, ...]]] = []
    file, line = "", 0
    for frame in islice(around, _LEVELS):
        code = frame.f_code
        if not found:
            file, line = code.co_filename, frame.f_lineno or 0
        names = _names(code, frame.f_lasti)
        said = [value for name in names if isinstance(value := local(frame, name), str) and value.lower() in _SPLITS]
        found.append((code.co_name, (*names, *said)))  # as in loaders[phase]
    return Place(file, line, tuple(found))


def functions(depth: int = 1) -> frozenset[CodeType]:
    """The functions of the program in which the caller is."""
    return frozenset(frame.f_code for frame in frames(sys._getframe(depth)))


def told(depth: int, around: frozenset[CodeType]) -> tuple[str, str]:
    """The part of the data that is evaluated where the program has led to the caller, and the place in words; empty
    where it does not say. A variable such as ``split = "val"`` counts first, then the words at the call, then the name
    of the function, unless the training goes on in it too: it is one of those ``around`` it."""
    for frame in islice(frames(sys._getframe(depth)), _CALLS):
        code = frame.f_code
        for name in _PARTS.intersection(code.co_varnames if code.co_flags & CO_OPTIMIZED else frame.f_globals):
            value = local(frame, name)
            split = _SPLITS.get(value.lower()) if isinstance(value, str) else None
            if split:
                return split, f"{code.co_filename.rpartition('/')[2]} line {frame.f_lineno}"
        name = "" if code in around else code.co_name
        place = Place(code.co_filename, frame.f_lineno or 0, ((name, _names(code, frame.f_lasti)),))
        split = place.split("")
        if split:
            return split, str(place)
    return "", ""


def frames(frame: FrameType | None) -> Iterator[FrameType]:
    """The program's own frames, from one outwards."""
    for _ in range(50):
        if frame is None:
            return
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] not in _NOT_THE_PROGRAM:
            yield frame
        frame = frame.f_back


def _names(code: CodeType, at: int) -> tuple[str, ...]:
    """The names in the expression that the instruction at an offset belongs to."""
    key = (code, at)
    names = _words.get(key)
    if names is None:
        if len(_words) >= _MOST:
            _words.clear()
        names = _words[key] = tuple(_read_names(code, at))
    return names


def _read_names(code: CodeType, at: int) -> list[str]:
    instructions = list(dis.get_instructions(code))
    index = bisect_right(instructions, at, key=lambda instruction: instruction.offset) - 1
    while index and instructions[index].opname == "FOR_ITER":
        index -= 1  # what the loop goes over stands before; behind it comes the loop's body
    found = _within(instructions, index)
    names = [name for name in found if name not in _BUILTINS]
    if len(names) == 1 and not _parts(names[0]) & _DATA:
        # A variable, such as a progress bar: what it was made of says more.
        for before in range(index - 1, 0, -1):
            if instructions[before].opname.startswith("STORE_") and instructions[before].argval == names[0]:
                found += _within(instructions, before - 1)
                break
    return list(dict.fromkeys(found))


def _within(instructions: list[dis.Instruction], index: int) -> list[str]:
    """The names in the expression that ends with an instruction."""
    whole = instructions[index].positions
    found: list[str] = []
    for instruction in instructions[: index + 1]:
        # A text as in loaders["val"].
        text = instruction.opname == "LOAD_CONST" and isinstance(instruction.argval, str)
        if (text or instruction.opname in _NAMES) and _inside(instruction.positions, whole):
            found.append(str(instruction.argval))
    return found


def _inside(part: Any, whole: Any) -> bool:
    """Whether a part of the program's text lies in another one; not where it was compiled without positions."""
    if None in (part, whole) or None in (*part, *whole):
        return False
    begins, ends = (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)
    return (whole.lineno, whole.col_offset) <= begins and ends <= (whole.end_lineno, whole.end_col_offset)


def _ordered(name: str) -> list[str]:
    """The words of a name; of "testloader" also "test"."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    found: list[str] = []
    for word in re.split(r"[^a-z]+", plain.lower()):
        found += [word, *(word.removesuffix(data) for data in _DATA if word.endswith(data))]
    return [word for word in found if word]


def _parts(name: str) -> set[str]:
    words = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
    return {*words, *(data for data in _DATA if len(data) > 2 and any(word.endswith(data) for word in words))}
