"""Run inside `unshare --net`: starts the kiosk and its browser as the autostart does, and prints every packet that
goes to another machine or to a name server. Arguments: the folder of the record, seconds, a folder in front of PATH."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

DNS_PORT = 53
IPV4, IPV6 = 0x0800, 0x86DD
SCRIPT = Path(__file__).parents[3] / "edge_app" / "deploy" / "kiosk-browser.sh"


def open_network() -> socket.socket:
    """A loopback to which every address belongs, so that nothing leaves, and a socket that sees every packet."""
    for words in ("link set lo up", "address add 192.0.2.2/32 dev lo", "route add local default dev lo"):
        subprocess.run(["ip", *words.split()], check=True)
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))


def described(packet: bytes) -> str:
    """Addresses and ports of a packet to another machine, or to a name server; empty for one on loopback."""
    (kind,) = struct.unpack_from(">H", packet, 12)
    body = packet[14:]
    if kind == IPV6 and body[6] == 58:
        return ""  # the kernel's own neighbour discovery
    if kind == IPV4:
        protocol, source, target = body[9], socket.inet_ntoa(body[12:16]), socket.inet_ntoa(body[16:20])
        ports = struct.unpack_from(">HH", body, 4 * (body[0] & 15)) if protocol in (6, 17) else (0, 0)
        if source == target == "127.0.0.1" and DNS_PORT not in ports:
            return ""
        return f"{source}:{ports[0]} to {target}:{ports[1]} {bytes(body[28:])!r}"
    return f"ethernet type {kind:#06x} {bytes(body[:80])!r}"


def main(home: str, seconds: str, programs: str) -> None:
    """Print one line per packet, and at the end how many files the page asked the kiosk for."""
    packets = open_network()
    environment = os.environ | {"CXR_EDGE_HOME": home, "PATH": f"{programs}:{os.environ['PATH']}"}
    kiosk = subprocess.Popen([sys.executable, "-m", "edge_app", "serve"], env=environment, stdout=subprocess.DEVNULL)
    browser = subprocess.Popen(["sh", SCRIPT], env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
    packets.settimeout(1.0)
    end, loads = time.monotonic() + float(seconds), 0
    while time.monotonic() < end:
        try:
            packet = packets.recv(65536)
        except TimeoutError:
            continue
        loads += b"GET /assets/" in packet
        if line := described(packet):
            print(line, flush=True)
    os.killpg(browser.pid, signal.SIGKILL)
    kiosk.kill()
    print(f"the page asked the kiosk for {loads} files")


if __name__ == "__main__":
    main(*sys.argv[1:])
