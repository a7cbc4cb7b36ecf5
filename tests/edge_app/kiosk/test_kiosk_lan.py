"""Other machines get in only with --lan and a login, and not by guessing."""

import http.client
import json
import shutil
import ssl
import subprocess
import urllib.parse

import pytest

from edge_app.__main__ import main
from edge_app.imaging.phantom import phantom_png
from edge_app.kiosk.login import FAILURES_S, MAX_FAILURES, SESSION_S, Sessions
from edge_app.records.database import open_store
from edge_app.records.readers import add_reader

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::"])
def test_other_machines_are_not_let_in_without_the_switch(host, tmp_path, capsys):
    assert main(["serve", "--host", host, "--port", "0", "--data-dir", str(tmp_path)]) == 1
    assert "--lan" in capsys.readouterr().err


def test_lan_without_a_reader_does_not_start(start_kiosk):
    with pytest.raises(RuntimeError, match="no reader is enrolled"), start_kiosk("--lan"):
        pass


def log_in(kiosk, pin: str) -> tuple[int, str]:
    """Status and the session's cookie."""
    address = urllib.parse.urlsplit(kiosk.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    body = urllib.parse.urlencode({"initials": "ab", "pin": pin})
    connection.request("POST", "/login", body, {"content-type": FORM})
    answer = connection.getresponse()
    cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
    connection.close()
    return answer.status, cookie


def test_without_a_session_only_login_and_health_are_reached(start_kiosk, tmp_path):
    store = open_store(tmp_path / "home")
    add_reader(store, "AB", "13579")
    store.close()
    with start_kiosk("--lan") as kiosk:
        assert kiosk.ask("/health")[0] == 200
        for path in ("/config", "/record", "/export.csv", "/gradio_api/queue/join", "/report/ABCD"):
            assert kiosk.ask(path)[0] == 401
        assert kiosk.ask("/films", phantom_png("viral", 1))[0] == 401
        assert b'name="pin"' in kiosk.ask("/", Accept="text/html")[1]

        assert log_in(kiosk, "00000") == (401, "")
        status, cookie = log_in(kiosk, "13579")
        assert status == 303
        status, page, _ = kiosk.ask("/record", Cookie=cookie)
        assert status == 200
        assert b'action="logout"' in page
        assert json.loads(kiosk.ask("/films", phantom_png("viral", 1), Cookie=cookie)[1])["saved"]
        assert kiosk.ask("/record", Cookie="cxr_session=guessed")[0] == 401

        kiosk.ask("/logout", b"", Cookie=cookie)
        assert kiosk.ask("/record", Cookie=cookie)[0] == 401
        assert kiosk.ask("/health", Host="evil.example")[0] == 400

        for _ in range(MAX_FAILURES):
            log_in(kiosk, "00000")
        assert log_in(kiosk, "13579")[0] == 429


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_given_a_certificate_the_kiosk_speaks_tls_and_guards_its_cookie(start_kiosk, tmp_path):
    store = open_store(tmp_path / "home")
    add_reader(store, "AB", "13579")
    store.close()
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=kiosk", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    with start_kiosk("--lan", "--tls-cert", str(certificate), "--tls-key", str(key)) as kiosk:
        assert kiosk.url.startswith("https://")
        trust = ssl.create_default_context(cafile=certificate)
        connection = http.client.HTTPSConnection("127.0.0.1", int(kiosk.url.rpartition(":")[2]), context=trust)
        connection.request("POST", "/login", "initials=AB&pin=13579", {"content-type": FORM})
        answer = connection.getresponse()
        assert answer.status == 303
        assert "Secure" in answer.getheader("set-cookie")
        connection.close()


def test_session_ends_by_itself():
    moment = [0.0]
    sessions = Sessions(lambda: moment[0])
    token = sessions.begin()
    assert sessions.holds(token)
    moment[0] = SESSION_S + 1
    assert not sessions.holds(token)


def test_address_that_failed_too_often_must_wait():
    moment = [0.0]
    sessions = Sessions(lambda: moment[0])
    for _ in range(MAX_FAILURES):
        assert not sessions.is_locked("10.0.0.9")
        sessions.failed("10.0.0.9")
    assert sessions.is_locked("10.0.0.9")
    assert not sessions.is_locked("10.0.0.8")
    moment[0] = FAILURES_S + 1
    assert not sessions.is_locked("10.0.0.9")
