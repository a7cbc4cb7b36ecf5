"""systemd gets READY and WATCHDOG only while the kiosk's health is 200."""

import http.server
import socket
import threading

import pytest

from edge_app.system import watchdog


@pytest.fixture
def kiosk():
    """A web server whose health the test sets."""

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(server.status)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Health)
    server.status = 503
    server.url = f"http://127.0.0.1:{server.server_port}/health"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def systemd(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(5)
        yield channel


def heard(systemd, seconds):
    systemd.settimeout(seconds)
    try:
        return systemd.recv(100).decode()
    except TimeoutError:
        return None


def test_without_systemd_nothing_is_watched(kiosk):
    assert watchdog.start(kiosk.url, {}) is None


def test_ready_is_sent_after_the_first_good_answer_and_reports_stop_with_the_last(kiosk, systemd, monkeypatch):
    monkeypatch.setattr(watchdog, "POLL_S", 0.01)
    watchdog.start(kiosk.url, {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "300000"})
    assert heard(systemd, 0.3) is None
    kiosk.status = 200
    assert heard(systemd, 5) == "READY=1"
    assert heard(systemd, 5) == "WATCHDOG=1"
    kiosk.status = 503
    while heard(systemd, 0.5):  # the report that was under way
        pass
    assert heard(systemd, 0.5) is None


def test_a_kiosk_that_hangs_is_not_well(kiosk):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        assert not watchdog.is_well(f"http://127.0.0.1:{silent.getsockname()[1]}/health", 0.2)


def test_an_abstract_address_is_understood():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("\0cxr-edge-test")
        channel.settimeout(5)
        watchdog._notify("@cxr-edge-test", "READY=1")
        assert channel.recv(100) == b"READY=1"
