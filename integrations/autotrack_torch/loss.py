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


class Scale(NamedTuple):
    """What a loss was multiplied by."""

    factor: float
    node: Any
    """The graph node of what was multiplied."""
    depth: int
    """By how many constants, one after another."""
    divided: bool
    """Whether the program divided by one of them: it averages a sum itself, by whatever it counts."""


class Piece:
    """What one ``backward`` contributed to a step."""

    value: float | None = None
    factor = 1.0
    """What the loss was multiplied by last of all."""
    extensive = False
    """Whether it is a sum over the batch."""
    part = False
    """Whether it is about the same batch as the piece before it."""
    scaled = False
    """Whether a ``GradScaler`` had multiplied it."""
    reached: set[int] | None = None
    """The optimizers whose gradients it has changed, by ``id``; ``None`` where that was not looked at."""
    versions: dict[int, int] | None = None
    """Which state of their parameters it was computed with."""
    used = False
    """Whether one of them has stepped since."""
    hits: tuple[Any, Any] | None = None
    """Samples put into the right class, and samples, that were counted for it."""

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
        last = batches[-1][-1] if batches else None
        if last is not None and last.over is piece.over and last.batch == piece.batch:
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


def scale(node: Any, most: int | None = None) -> Scale:
    """The constant that a loss was multiplied by last of all, and the graph node before that. What a loss function
    itself has divided by is no such constant; ``most`` says after how many where this is known."""
    factor, divided, depth = 1.0, False, 0
    for _ in range(4 if most is None else most):
        name = type(node).__name__
        if name not in _SCALED or (most is None and MARK in node.metadata):
            break
        constant, before = _constant(node)
        if constant is None:
            break
        factor *= constant
        divided = divided or name.startswith("Div")
        node = before
        depth += 1
    return Scale(factor, node, depth, divided)


def key_of(node: Any) -> tuple[Any, ...]:
    """Equal for graphs that look alike at their root."""
    return (type(node), *[type(before) for before, _ in node.next_functions])


def describe(piece: Piece, root: Any, known: dict[tuple[Any, ...], tuple[Shape, int]]) -> Shape:
    """Note in a piece how its loss came about; losses that look alike at their root are looked into once."""
    key = key_of(root)
    found = known.get(key)
    factor, node, depth, divided = scale(root, found[1] if found is not None else None)
    if found is None:
        found = known[key] = (shape_of(node, piece.n), depth)
    shape = found[0]
    averaged = shape.extensive and _averages(factor, piece.n)
    if averaged:
        factor = 1.0  # a sum, divided by the number of samples: their mean
    piece.extensive = shape.extensive and not averaged and not divided
    piece.factor = factor
    return shape if piece.extensive == shape.extensive else shape._replace(extensive=False)


def is_plain(piece: Piece, root: Any) -> bool:
    """Whether losses with this kind of node at their root are what a loss function gave, as it gave it."""
    return piece.factor == 1.0 and not piece.extensive and hasattr(root, "_saved_reduction")


def shape_of(node: Any, n: int) -> Shape:
    """What the loss behind a graph node is made of, in a batch of ``n`` samples."""
    leaves: list[tuple[str, bool]] = []
    waiting = [(node, 1.0, False)]
    for _ in range(_NODES):
        if not waiting:
            break
        node, factor, divided = waiting.pop()
        mark = node.metadata.get(MARK)
        name = type(node).__name__
        constant, before = _constant(node) if mark is None and name in _SCALED else (None, None)
        whole = not divided and not _averages(factor, n)
        if mark is not None:
            leaves.append((mark[0], mark[1] == "sum" and whole))
        elif constant is not None:
            waiting.append((before, factor * constant, divided or name.startswith("Div")))
        elif name in _ADDED:
            befores = [before for before, _ in reversed(node.next_functions) if before is not None]
            waiting.extend((before, factor, divided) for before in befores)
        elif name.startswith("MeanBackward"):
            leaves.append((_reduced(node) or "mean", False))
        elif name.startswith("SumBackward"):
            leaves.append((_reduced(node) or "sum", whole))
        elif hasattr(node, "_saved_reduction"):
            leaves.append((function_of(type(node)), node._saved_reduction == 2 and whole))
        else:
            leaves.append(("?", False))
    else:
        leaves.append(("?", False))
    return Shape(tuple(dict.fromkeys(name for name, _ in leaves)), bool(leaves) and all(sums for _, sums in leaves))


def _reduced(node: Any) -> str:
    """The loss function whose values for single samples the program reduces itself; empty if it is none."""
    before = node.next_functions[0][0]
    mark = before.metadata.get(MARK) if before is not None else None
    return str(mark[0]) if mark is not None else ""


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


def function_of(kind: type) -> str:
    """The loss function, by its name in ``torch.nn.functional``, that makes graph nodes of a kind."""
    plain = re.sub(r"Backward\d*$", "", kind.__name__)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()
