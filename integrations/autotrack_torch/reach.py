"""Which optimizers a ``backward`` was for: those whose parameters' gradients have changed by it.

Looked at only where there are several optimizers, and at few of their parameters: the first and the last of a group.
"""

from __future__ import annotations

from typing import Any

from autotrack_torch.loss import Piece

_OPTIMIZERS = 16
_GROUPS = 4
_KEPT = 256
"""Pieces that may wait for an optimizer which does not step."""

Gradients = list[tuple[int, Any, tuple[int, int]]]
"""``(the optimizer's id, a parameter, its gradient's id and version)``"""


def gradients(optimizers: list[Any]) -> Gradients:
    """How gradients are before a backward pass."""
    return [
        (id(optimizer), tensor, _state(tensor)) for optimizer in optimizers[:_OPTIMIZERS] for tensor in _some(optimizer)
    ]


def versions(before: Gradients) -> dict[int, int]:
    """Which state of its parameters each optimizer works on."""
    found: dict[int, int] = {}
    for key, tensor, _ in before:
        found[key] = found.get(key, 0) + tensor._version
    return found


def reached(pieces: list[Piece], before: Gradients) -> None:
    """Note which optimizers' gradients have changed by a backward pass; nothing if none has been seen to change."""
    found = {key for key, tensor, state in before if _state(tensor) != state}
    for piece in pieces:
        piece.reached = set(found) or None


def moved(piece: Piece, later: Piece) -> bool:
    """Whether parameters that a piece has reached are others where a later one was computed."""
    before, now = piece.versions or {}, later.versions or {}
    return any(before.get(key) != now.get(key) for key in piece.reached or ())


def forget(piece: Piece, key: int) -> bool:
    """An optimizer throws its gradients away; whether the piece was for no other."""
    if piece.reached is None or key not in piece.reached:
        return False
    piece.reached.discard(key)
    return not piece.reached


def share(pieces: list[Piece], key: int) -> tuple[list[Piece], list[Piece]]:
    """What an optimizer's step was made for, and what is left for the others."""
    mine: list[Piece] = []
    left: list[Piece] = []
    for piece in pieces:
        if piece.reached is not None and key not in piece.reached:
            left.append(piece)
            continue
        mine.append(piece)
        if piece.reached is not None:
            piece.reached.discard(key)
            if piece.reached:
                piece.used = True
                left.append(piece)
    return mine, left[-_KEPT:]


def _some(optimizer: Any) -> list[Any]:
    found = []
    for group in optimizer.param_groups[:_GROUPS]:
        params = group["params"]
        if params:
            found.append(params[0])
            if len(params) > 1:
                found.append(params[-1])
    return found


def _state(tensor: Any) -> tuple[int, int]:
    grad = tensor.grad
    return (0, 0) if grad is None else (id(grad), grad._version)
