"""What is left of a text on a terminal: progress that is written over itself is there once, as it was last."""

from __future__ import annotations

import re

ROWS = 100
"""The last lines, which a program may still go back to and change."""
_WIDE = 1 << 15
_PIECE = re.compile(r"\n|\r|\x1b\[[0-9]{0,4}[AFK]|[^\n\r\x1b]+|\x1b")
_KEY, _KEY_ROWS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"), 200


class Screen:
    """Lines that are written one after the other, or over one another: behind a carriage return, and after the cursor
    was moved up. All other control sequences, such as colours, stay in the text."""

    def __init__(self) -> None:
        self._rows = [""]
        self._row = 0
        self._over = False
        """Whether what comes next takes the line's place."""
        self._settled: list[str] = []

    def write(self, text: str) -> None:
        """More of the text."""
        if self._row == len(self._rows) - 1 and not self._over and "\r" not in text and "\x1b" not in text:
            first, *others = text.split("\n")
            self._rows[-1] += first
            self._rows += others
            self._row = len(self._rows) - 1
        else:
            for piece in _PIECE.findall(text):
                self._piece(piece)
        self._settle()

    def take(self) -> str:
        """The lines that have left the screen since this was asked last."""
        found, self._settled = "".join(self._settled), []
        return found

    def rest(self) -> str:
        """The lines that are on it."""
        return "\n".join(self._rows)

    def _piece(self, piece: str) -> None:
        if piece == "\n":
            self._row += 1
            self._over = True
            if self._row == len(self._rows):
                self._rows.append("")
        elif piece == "\r":
            self._over = True
        elif piece[0] == "\x1b" and piece[-1] in "AF":
            self._row = max(0, self._row - int(piece[2:-1] or 1))
            self._over = True
        elif piece[0] == "\x1b" and piece[-1] == "K":
            if self._over or piece[2:-1] in ("1", "2"):
                self._rows[self._row] = ""
        elif self._over:
            self._rows[self._row], self._over = piece, False
        else:
            self._rows[self._row] += piece

    def _settle(self) -> None:
        gone = self._complete(min(len(self._rows) - ROWS, self._row))
        if gone > 0:
            self._settled += (row + "\n" for row in self._rows[:gone])
            del self._rows[:gone]
            self._row -= gone
        if len(self._rows[-1]) > _WIDE and self._row == len(self._rows) - 1:
            self._settled.append("\n".join(self._rows))
            self._rows, self._row = [""], 0

    def _complete(self, count: int) -> int:
        """So many of the first rows that a private key in them is whole: it is told by its beginning."""
        for row in range(count - 1, max(-1, count - _KEY_ROWS), -1):
            if "-----END" in self._rows[row]:
                break
            if _KEY.search(self._rows[row]):
                return row
        return count
