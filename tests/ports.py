"""Ports for servers that a test starts in another process and that are bound only seconds later."""

import itertools
import random
import socket

# Below the range from which kernels take the near end of every outgoing connection (ip_local_port_range): a port
# of that range that is free now may belong to a browser or a database client when the server comes to bind it.
_RANGE = range(12_000, 32_000)
_begin = random.randrange(len(_RANGE))  # tests run in several processes at once
_candidates = itertools.cycle([*_RANGE[_begin:], *_RANGE[:_begin]])


def free_port(in_a_row: int = 1) -> int:
    """The first of so many neighbouring ports nobody listens on; a process is given others each time."""
    while True:
        ports = list(itertools.islice(_candidates, in_a_row))
        if ports[-1] - ports[0] == in_a_row - 1 and all(map(_is_free, ports)):
            return ports[0]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
