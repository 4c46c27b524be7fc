"""What a program has written to its terminal while a run was open, as a file of the run: :data:`NAME`."""

from __future__ import annotations

import threading
import time
from collections import deque

from autotrack import redact
from autotrack.capture import streams
from autotrack.capture.screen import Screen
from autotrack.context import files
from autotrack.run import Run

NAME = "console.log"
LONGEST = 512 << 10
"""Characters that are kept of the beginning, and as many of the end."""
_AT_ONCE = 128 << 10
"""The same for what is written between two looks: so the last look does not take long."""
_BLOCK = 2 << 10
"""Characters that are looked through for secrets at a time: a millisecond in which no other thread goes on."""
_KEY = 20 << 10
"""Characters of a private key, at most."""


class _Ends:
    """The beginning and the end of a long text."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._head: list[str] = []
        self._room = longest
        self._tail: deque[str] = deque()
        self._size = self.gone = 0

    def add(self, text: str) -> None:
        if self._room > 0:
            self._head.append(text[: self._room])
            self._room, text = self._room - len(text), text[self._room :]
        if text:
            self._tail.append(text[-self._longest :])
            self._size += len(self._tail[-1])
            self.gone += len(text) - len(self._tail[-1])
            while self._size > self._longest and len(self._tail) > 1:
                gone = len(self._tail.popleft())
                self._size -= gone
                self.gone += gone

    def text(self) -> str:
        cut = f"\n[… {self.gone} characters left out …]\n" if self.gone else ""
        return "".join((*self._head, cut, *self._tail))


class Console:
    """The output that belongs to one run. It is heard from the beginning to the end of the run, brought into the
    file every few seconds, and complete when the run ends."""

    def __init__(self, run: Run, *, resumed: bool = False) -> None:
        self._run = run
        # One for a moment, as the program writes; one for the work. A signal handler may write, and end the run.
        self._lock, self._working = threading.RLock(), threading.RLock()
        self._said: deque[str] = deque()
        self._size = 0
        self._news = _Ends(_AT_ONCE)
        self._screen = Screen()
        self._kept = _Ends(LONGEST)
        self._noted = 0
        self._name = ""
        self._resumed = resumed
        streams.listen(self.hear)

    def hear(self, text: str) -> None:
        """The program writes. Without a lock: threads that write at once may be over the limit by what they write."""
        self._said.append(text)
        self._size += len(text)
        if self._size > 2 * _AT_ONCE:
            self._collect()

    def keep(self) -> None:
        """Bring the file up to date, if there is news; it is an artifact from the first time on."""
        if (text := self._text()) is not None:
            size = files.put(self._run.artifact_directory() / self._place(), _encoded(text))
            if size > 2 * self._noted:
                self._noted = size
                self._run.placed(self._place(), size)

    def close(self) -> None:
        """The run ends."""
        streams.unlisten(self.hear)
        if (text := self._text()) is not None or self._noted:
            self._run.text(_encoded(self._rendered() if text is None else text), self._place())

    def _place(self) -> str:
        """Where the file is among the run's; a run that goes on later, or has a file of that name, gets one more."""
        if not self._name:
            there = (self._run.files / NAME).exists() or self._resumed
            self._name = time.strftime("console-%Y%m%d-%H%M%S.log", time.gmtime()) if there else NAME
        return self._name

    def _collect(self) -> None:
        """Leave the middle out of what was written since the last look, if it is long."""
        with self._lock:
            self._size = 0
            for _ in range(len(self._said)):
                self._news.add(self._said.popleft())

    def _text(self) -> str | None:
        """All that is to be kept; ``None`` if there is nothing new."""
        with self._working:
            with self._lock:
                self._collect()
                news, self._news = self._news.text(), _Ends(_AT_ONCE)
            if not news:
                return None
            self._screen.write(news)
            self._kept.add(_cleared(self._screen.take()))
            return self._rendered()

    def _rendered(self) -> str:
        return self._kept.text() + _cleared(self._screen.rest())


def _cleared(text: str) -> str:
    """The text without the secrets in it; in pieces, as no other thread goes on while one is looked through."""
    pieces, begin = [], 0
    while begin < len(text):
        end = text.find("\n", begin + _BLOCK) + 1 or len(text)
        if "PRIVATE KEY" in text[begin:end]:
            end = text.find("\n", begin + _KEY) + 1 or len(text)
        pieces.append(redact.text(text[begin:end]))
        begin = end
    return "".join(pieces)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
