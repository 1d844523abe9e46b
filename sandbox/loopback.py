"""Where the stand-ins listen: on this machine only. Apart from the servers, so that asking for it costs nothing."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"


def bind(port: int) -> socket.socket:
    """A listening-ready loopback socket; port 0 means any free one. OSError when the port is taken."""
    # The protocol is named because asyncio switches Nagle's algorithm off only for sockets that name it;
    # with it, every reply would wait 40 ms for the client's delayed acknowledgement.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((LOOPBACK, port))
    except OSError:
        sock.close()
        raise
    return sock
