"""Free ports on this machine."""

import socket

LOOPBACK = "127.0.0.1"


def free_port(preferred: int = 0) -> int:
    """A port of the loopback interface that nobody listens on: the preferred one, else any, as `free_ports` finds it.

    Another process may take the preferred one before its user binds it: bind soon.
    """
    if preferred and _is_free(preferred):
        return preferred
    return free_ports(1)[0]


def free_ports(how_many: int) -> list[int]:
    """Free ports of the loopback interface, each another, and kept for as long as this process lives.

    Nobody else is given them, neither who asks for any port nor who connects; who names them may listen there, now and
    again, if he sets SO_REUSEADDR, as servers do.
    """
    return [_keep_a_port() for _ in range(how_many)]


def _keep_a_port() -> int:
    keeper = socket.socket()
    keeper.bind((LOOPBACK, 0))
    # Only now: bound with it, the port might be one that somebody else keeps in this way.
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port = int(keeper.getsockname()[1])
    keeper.detach()  # bound, never listening, until the process ends
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Servers set this too: a port whose last connections are still closing counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
