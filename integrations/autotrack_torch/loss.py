"""What was minimised: from the tensor that ``backward`` begins at, and the graph behind it, to a loss per sample."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

MARK = "autotrack"
"""Under this name the graph node of a seen loss holds ``(function, reduction)``."""

_SCALED = ("MulBackward0", "DivBackward0")
_ADDED = frozenset((
    "AddBackward0", "SubBackward0", "NegBackward0", "ToCopyBackward0", "CloneBackward0", "AliasBackward0",
    "ViewBackward0", "ReshapeAliasBackward0", "UnsafeViewBackward0", "SqueezeBackward0", "SqueezeBackward1",
    "UnsqueezeBackward0", "StackBackward0", "CatBackward0",
))  # fmt: skip
_NODES = 64
_NEAR = 1e-5


class Shape(NamedTuple):
    """What a loss is made of."""

    parts: tuple[str, ...]
    """The functions that it is the sum of: those of ``torch.nn.functional`` by their names, "sum" and "mean" where
    the program itself reduces, "?" for what is neither."""
    extensive: bool
    """Whether it is a sum over the batch, so that its size grows with the batch's."""


class Piece:
    """What one ``backward`` contributed to a step."""

    value: float | None = None
    factor = 1.0
    """What the loss was multiplied by last of all."""
    extensive = False
    """Whether it is a sum over the batch."""
    part = False
    """Whether it is about the same batch as the piece before it."""

    def __init__(self, over: Any, batch: int, n: int, version: int) -> None:
        self.over = over
        """The data pass that it belongs to."""
        self.batch = batch
        self.n = n
        """Samples of the batch; 0 if they are not known."""
        self.version = version
        """Which state of the model it was computed with."""

    def set(self, value: float) -> None:
        """The value has come."""
        self.value = value


class Loss(NamedTuple):
    """The loss of one batch."""

    over: Any
    n: int
    value: float


def losses(pieces: list[Piece], accumulated: int) -> list[Loss]:
    """The loss of each batch of a step.

    Parts of one batch's loss add up. A division by the number of accumulated batches is undone; ``accumulated`` is
    how many most steps have, for a last one with fewer.
    """
    batches: list[list[Piece]] = []
    for piece in pieces:
        if piece.value is None:
            continue  # it never came over from its device
        if piece.part and batches:
            batches[-1].append(piece)
        else:
            batches.append([piece])
    count = len(batches)
    divisor = 1
    for candidate in (count, accumulated):
        if candidate > 1 and all(abs(piece.factor * candidate - 1) < _NEAR for piece in pieces):
            divisor = candidate
            break
    found = []
    for batch in batches:
        value = sum(_per_sample(piece) for piece in batch) * divisor
        found.append(Loss(batch[0].over, batch[0].n, value))
    return found


def _per_sample(piece: Piece) -> float:
    assert piece.value is not None
    return piece.value / piece.n if piece.extensive and piece.n else piece.value


def scale(node: Any) -> tuple[float, Any]:
    """The constant that a loss was multiplied by last of all, and the graph node before that."""
    factor = 1.0
    for _ in range(4):
        if type(node).__name__ not in _SCALED:
            break
        constant, before = _constant(node)
        if constant is None:
            break
        factor *= constant
        node = before
    return factor, node


def key_of(node: Any) -> tuple[Any, ...]:
    """Equal for graphs that look alike at their root."""
    return (type(node), *[type(before) for before, _ in node.next_functions])


def describe(piece: Piece, root: Any, known: dict[tuple[Any, ...], Shape]) -> Shape:
    """Note in a piece how its loss came about; losses that look alike at their root are looked into once."""
    factor, node = scale(root)
    key = key_of(node)
    shape = known.get(key)
    if shape is None:
        shape = known[key] = shape_of(node, piece.n)
    if shape.extensive and _averages(factor, piece.n):
        factor = 1.0  # a sum, divided by the number of samples: their mean
    elif shape.extensive:
        piece.extensive = True
    piece.factor = factor
    return shape


def is_plain(piece: Piece, root: Any) -> bool:
    """Whether losses with this kind of node at their root are what a loss function gave, as it gave it."""
    return piece.factor == 1.0 and not piece.extensive and hasattr(root, "_saved_reduction")


def shape_of(node: Any, n: int) -> Shape:
    """What the loss behind a graph node is made of, in a batch of ``n`` samples."""
    leaves: list[tuple[str, bool]] = []
    waiting = [(node, 1.0)]
    for _ in range(_NODES):
        if not waiting:
            break
        node, factor = waiting.pop()
        mark = node.metadata.get(MARK)
        name = type(node).__name__
        constant, before = _constant(node) if mark is None and name in _SCALED else (None, None)
        if mark is not None:
            leaves.append((mark[0], mark[1] == "sum" and not _averages(factor, n)))
        elif constant is not None:
            waiting.append((before, factor * constant))
        elif name in _ADDED:
            waiting.extend((before, factor) for before, _ in reversed(node.next_functions) if before is not None)
        elif name.startswith("MeanBackward"):
            leaves.append(("mean", False))
        elif name.startswith("SumBackward"):
            leaves.append(("sum", not _averages(factor, n)))
        elif hasattr(node, "_saved_reduction"):
            leaves.append((_snake(name), node._saved_reduction == 2 and not _averages(factor, n)))
        else:
            leaves.append(("?", False))
    else:
        leaves.append(("?", False))
    return Shape(tuple(dict.fromkeys(name for name, _ in leaves)), bool(leaves) and all(sums for _, sums in leaves))


def _averages(factor: float, n: int) -> bool:
    return n > 0 and abs(factor * n - 1) < _NEAR


def _constant(node: Any) -> tuple[float | None, Any]:
    """The constant by which a node multiplies, and the node whose result it multiplies."""
    (first, _), (second, _) = node.next_functions
    divides = type(node).__name__.startswith("Div")
    if first is not None and second is None:
        value, before = node._saved_other, first
    elif second is not None and first is None and not divides:
        value, before = node._saved_self, second
    else:
        return None, None
    if hasattr(value, "is_cpu"):
        if not value.is_cpu or value.numel() != 1:
            return None, None  # a device would have to be waited for
        value = value.item()
    if not isinstance(value, int | float) or not value:
        return None, None
    return (1 / value if divides else float(value)), before


def _snake(name: str) -> str:
    plain = re.sub(r"Backward\d*$", "", name)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()
