"""One line for each thing that happened, with the time since the beginning."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_GREEN, _RED, _DIM, _BOLD, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[1m", "\x1b[0m"


class Narrator:
    """Writes lines; colours only on a terminal, and not where NO_COLOR is set."""

    def __init__(
        self,
        stream: TextIO = sys.stdout,
        now: Callable[[], float] = time.monotonic,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._stream = stream
        self._now = now
        self._began = now()
        self._terminal = stream.isatty()
        self._colours = self._terminal and not environment.get("NO_COLOR")

    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._now() - self._began

    def chapter(self, title: str) -> None:
        """A heading."""
        self._write(f"\n{self._paint(_BOLD, title)}\n")

    def say(self, sentence: str) -> None:
        """Something happened."""
        self._write(f"{self._time()}  {sentence}\n")

    def waiting(self, sentence: str) -> None:
        """What is waited for: one line that is overwritten, and nothing where lines stay."""
        if self._terminal:
            self._stream.write(f"\r\x1b[K{self._paint(_DIM, f'{self._time()}  ... {sentence}')}")
            self._stream.flush()

    def check(self, passed: bool, name: str, detail: str) -> None:
        """A check at the end."""
        word = self._paint(_GREEN, "PASS") if passed else self._paint(_RED, "MISS")
        self._write(f"  {word}  {name}: {detail}\n")

    def plain(self, text: str) -> None:
        """Text as it is."""
        self._write(text.rstrip("\n") + "\n")

    def _time(self) -> str:
        return f"{self.elapsed():7.1f}s"

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._colours else text

    def _write(self, text: str) -> None:
        self._stream.write(("\r\x1b[K" if self._terminal else "") + text)
        self._stream.flush()
