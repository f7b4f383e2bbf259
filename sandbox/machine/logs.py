"""Shows what several processes write to their log files, each line under its process's name."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

COLOURS = (36, 33, 32, 35, 34, 31)


class Log:
    """A log file that is still being written, and turned over when it has grown long."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = 0
        self._position = 0
        self._rest = b""

    def new_lines(self) -> Iterator[str]:
        """The complete lines that were written since the last call."""
        try:
            inode = self._path.stat().st_ino
        except FileNotFoundError:
            return
        if inode != self._inode:
            self._inode, self._position, self._rest = inode, 0, b""
        with self._path.open("rb") as file:
            file.seek(self._position)
            *lines, self._rest = (self._rest + file.read()).split(b"\n")
            self._position = file.tell()
        yield from (line.decode(errors="replace") for line in lines)


class Show:
    """The terminal's view of all logs."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._logs = {name: Log(path) for name, path in paths.items()}
        self._width = max(map(len, paths), default=0)

    def new_lines(self) -> None:
        """Print what is new, and flush: a reader of the other end of a pipe waits for it."""
        for number, (name, log) in enumerate(self._logs.items()):
            for line in log.new_lines():
                print(f"{self._prefix(name, number)} {line}")
        sys.stdout.flush()

    def _prefix(self, name: str, number: int) -> str:
        text = f"{name:<{self._width}} |"
        return f"\033[{COLOURS[number % len(COLOURS)]}m{text}\033[0m" if sys.stdout.isatty() else text
