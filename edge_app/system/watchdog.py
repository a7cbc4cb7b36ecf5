"""Reports to systemd's watchdog, but only while the kiosk's model gives the right answers.

Before each report the kiosk is asked for its health through its own web server, as a browser would
ask, and that runs a golden inference. For a kiosk that hangs, or whose model is wrong, nothing is
reported, and systemd restarts it. Without systemd nothing is done.
"""

import os
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Mapping

POLL_S = 1.0
DEFAULT_INTERVAL_S = 30.0  # when the unit sets no watchdog, only READY is sent


def start(health_url: str, environment: Mapping[str, str] = os.environ) -> threading.Thread | None:
    """Watch from a separate thread, which ends with the process.

    Args:
        health_url: answers 200 when the kiosk is well; must be on this machine.
        environment: holds NOTIFY_SOCKET and WATCHDOG_USEC when systemd started the process.
    Returns:
        The thread; None without systemd.
    """
    address = environment.get("NOTIFY_SOCKET")
    if not address:
        return None
    watchdog_s = int(environment.get("WATCHDOG_USEC") or 0) / 1e6
    thread = threading.Thread(target=_watch, args=(health_url, address, watchdog_s), name="watchdog", daemon=True)
    thread.start()
    return thread


def _watch(health_url: str, address: str, watchdog_s: float) -> None:
    interval_s = watchdog_s / 3 if watchdog_s else DEFAULT_INTERVAL_S
    while not is_well(health_url, interval_s):
        time.sleep(POLL_S)
    _notify(address, "READY=1")
    while watchdog_s:
        if is_well(health_url, interval_s):
            _notify(address, "WATCHDOG=1")
        time.sleep(interval_s)


def is_well(health_url: str, timeout_s: float) -> bool:
    """Whether the kiosk answered 200 in time. Ignores proxy settings and does not verify the certificate."""
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(health_url, timeout=timeout_s) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError):  # refused, too slow, 503, or cut off
        return False


def _notify(address: str, message: str) -> None:
    """One datagram to systemd; an address that begins with @ is in the abstract namespace."""
    name = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(message.encode(), name)
