"""Free ports on this machine."""

import socket
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"


def free_port(preferred: int = 0) -> int:
    """A port of the loopback interface that nobody listens on: the preferred one, else any.

    Another process may take it before its user binds it: bind soon.
    """
    with socket.socket() as probe:
        # Servers set this too: a port whose last connections are still closing counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, preferred))
        except OSError:
            probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def free_ports(how_many: int) -> list[int]:
    """Free ports of the loopback interface, each another: held together until all are known."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(how_many)]
        return [int(probe.getsockname()[1]) for probe in probes]
