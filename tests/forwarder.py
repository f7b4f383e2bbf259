"""An address behind which another server can be put: what a managed Redis does when it fails over."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class Forwarder:
    """Connects who comes to `port`, a port of this machine. Connections that stand lead where they led."""

    def __init__(self, to: int, *, tls: ssl.SSLContext | None = None) -> None:
        """With `tls` it is what a managed Redis has in front: it ends the encryption."""
        self.to = to
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._opened: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                here, _ = self._listening.accept()
                threading.Thread(target=self._connect, args=(here,), daemon=True).start()

    def _connect(self, here: socket.socket) -> None:
        self._opened.append(here)
        try:
            if self._tls:
                here = self._tls.wrap_socket(here, server_side=True)
            there = socket.create_connection(("127.0.0.1", self.to))
        except OSError:
            here.close()
            return
        self._opened += [here, there]
        threading.Thread(target=self._carry, args=(here, there), daemon=True).start()
        self._carry(there, here)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.close()
        for each in self._opened:
            each.close()
