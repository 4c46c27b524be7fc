"""What is made of runs, kept until they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from autotrack.store.rows import Listed
from autotrack.store.search.page import Page

T = TypeVar("T")
Read = Callable[[Sequence[int]], Sequence[Listed]]
"""Reads runs by the numbers of their rows."""


class Made(Generic[T]):
    """Makes something of runs, and keeps it of those that were asked for last: up to about ``most`` by ``size``.

    Used from any thread, without a lock that a fork could leave held: that two threads make the same does no harm.
    """

    def __init__(self, make: Callable[[Listed], T], size: Callable[[T], int], most: int) -> None:
        self._make, self._size, self._most = make, size, most // 2
        self._taken = 0
        self._kept: dict[int, tuple[int, T]] = {}
        self._before: dict[int, tuple[int, T]] = {}
        """What was kept when there was too much of it; what is asked for again is kept on."""

    def of(self, page: Page, read: Read) -> list[T] | None:
        """What is made of the runs of a page with their marks; ``None`` if one of them has changed since. ``read`` is
        given those of which nothing is kept."""
        known, missing = self._known(page)
        runs = read(missing) if missing else ()
        marks = dict(zip(page.keys, page.beside, strict=True))
        if [one.mark for one in runs] != [marks[number] for number in missing]:
            return None
        return self._whole(known, missing, runs)

    def of_same(self, page: Page, read: Read) -> list[T]:
        """The same for one who reads the runs as they were when the page was found, with marks or without."""
        known, missing = self._known(page)
        return self._whole(known, missing, read(missing))

    def _known(self, page: Page) -> tuple[list[T | None], list[int]]:
        marks = page.beside or [None] * len(page.keys)
        known = [self._found(number, mark) for number, mark in zip(page.keys, marks, strict=True)]
        return known, [number for number, one in zip(page.keys, known, strict=True) if one is None]

    def _found(self, number: int, mark: int | None) -> T | None:
        found = self._kept.get(number)
        if found is None:
            found = self._before.get(number)
            if found is not None and found[0] == mark:
                self._keep(number, found)
        return found[1] if found is not None and found[0] == mark else None

    def _whole(self, known: list[T | None], missing: Sequence[int], runs: Sequence[Listed]) -> list[T]:
        made = [self._make(one) for one in runs]
        for number, run, one in zip(missing, runs, made, strict=True):
            if run.mark is not None:
                self._keep(number, (run.mark, one))
        new = iter(made)
        return [next(new) if one is None else one for one in known]

    def _keep(self, number: int, one: tuple[int, T]) -> None:
        if self._taken > self._most:
            self._before, self._kept, self._taken = self._kept, {}, 0
        self._kept[number] = one
        self._taken += self._size(one[1])
