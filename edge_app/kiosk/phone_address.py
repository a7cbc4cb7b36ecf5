"""Where phones on the LAN find the page for a phone, in letters and as a QR code."""

import contextlib
import fcntl
import ipaddress
import socket
import struct

from starlette.datastructures import URL

SIOCGIFADDR = 0x8915  # netdevice(7): the IPv4 address of an interface


def phone_address(asked: URL, known_as: str = "") -> str:
    """The page's address for other machines; "" where this one has none.

    Args:
        asked: the address by which a browser asked the kiosk.
        known_as: the name of the kiosk's certificate, or the one address that it listens on.
    """
    host = known_as or _of_others(asked.hostname or "") or next(filter(None, map(_of_others, own_addresses())), "")
    netloc = f"[{host}]" if ":" in host else host
    return f"{asked.scheme}://{netloc}{f':{asked.port}' if asked.port else ''}/phone/" if host else ""


def own_addresses() -> list[str]:
    """The IPv4 address of each interface that has one."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):  # an interface without an address
                packed = fcntl.ioctl(probe, SIOCGIFADDR, struct.pack("256s", name.encode()))
                found.append(socket.inet_ntoa(packed[20:24]))
    return found


def _of_others(host: str) -> str:
    """The host, unless it means this machine to every machine."""
    try:
        return "" if ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        return "" if host == "localhost" else host


def qr_code(address: str) -> str:
    """A QR code as SVG for a page, dark on white in every theme."""
    import segno  # imported here: only a kiosk on a LAN needs it

    return segno.make(address, micro=False, error="m").svg_inline(scale=5, border=4, light="#fff", title=address)
