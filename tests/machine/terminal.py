"""`make run`'s program as a person starts it: in a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from sandbox.machine.stack import ROOT, Ports


class Run:
    """`make run`'s program in a terminal of its own, with data and ports that no other run uses."""

    def __init__(self, module: str, directory: Path, project: Path = ROOT) -> None:
        self._mark = f"DATA_DIR={directory}"
        self.ports = ports = Ports.any_free()
        env = {
            **os.environ,
            "DATA_DIR": str(directory),
            "PORT": str(ports.web),
            "SANDBOX_PORT": str(ports.sandbox),
            "FLOWER_PORT": str(ports.flower),
            "REDIS_PORT": str(ports.redis),
        }
        self._terminal, inside = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=project,
            env=env,
            preexec_fn=lambda: os.login_tty(inside),  # its controlling terminal: closed, it is sent SIGHUP
        )
        os.close(inside)
        self.said = ""

    def read_until(self, words: str) -> None:
        while words not in self.said:
            self.said += os.read(self._terminal, 4096).decode()

    def read_all(self) -> str:
        try:
            while True:
                self.said += os.read(self._terminal, 4096).decode()
        except OSError:  # the other end is closed
            return self.said

    def close_terminal(self) -> None:
        os.close(self._terminal)
        self._terminal = -1

    def left_behind(self) -> list[str]:
        """Command lines of the run's living processes: each has inherited its environment."""
        return [line for directory in Path("/proc").glob("[0-9]*") if (line := self._command_of(directory))]

    def _command_of(self, process: Path) -> str:
        try:
            ours = self._mark in process.joinpath("environ").read_text(errors="replace").split("\0")
            return process.joinpath("cmdline").read_text().replace("\0", " ") if ours else ""
        except OSError:  # gone meanwhile
            return ""

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()
        if self._terminal >= 0:
            self.close_terminal()
