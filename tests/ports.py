"""Ports for servers that a test starts in another process and that are bound only seconds later."""

import itertools
import random
import socket

# Below the range from which kernels take the near end of every outgoing connection (ip_local_port_range): a port
# of that range that is free now may belong to a browser or a database client when the server comes to bind it.
_RANGE = range(12_000, 32_000)
_begin = random.randrange(len(_RANGE))  # tests run in several processes at once
_candidates = itertools.cycle([*_RANGE[_begin:], *_RANGE[:_begin]])


def free_port() -> int:
    """A port nobody listens on; one process is never given the same port twice within 20,000."""
    return next(port for port in _candidates if _is_free(port))


def free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    return next(port for port in _candidates if all(map(_is_free, range(port, port + count))))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
