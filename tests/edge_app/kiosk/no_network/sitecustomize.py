"""Put first on PYTHONPATH: every socket to a machine other than this one raises, and is noted."""

import ipaddress
import os
import socket
from pathlib import Path

NOTES = os.environ.get("CXR_TEST_NOTES", "")
_connect, _getaddrinfo = socket.socket.connect, socket.getaddrinfo


def _refuse(what: object) -> None:
    if NOTES:
        with Path(NOTES).open("a") as file:
            file.write(f"{what}\n")
    raise OSError(f"no network: {what}")


def _is_loopback(host: object) -> bool:
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def connect(self: socket.socket, address: tuple) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
        _refuse(address)
    return _connect(self, address)


def getaddrinfo(host: object, *rest: object, **named: object) -> list:
    if not _is_loopback(host):
        _refuse(host)
    return _getaddrinfo(host, *rest, **named)


socket.socket.connect = connect
socket.getaddrinfo = getaddrinfo
