"""Other machines get in only with --lan and a login, and not by guessing."""

import http.client
import io
import json
import ssl
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest

from edge_app.__main__ import main
from edge_app.errors import ReaderRefused
from edge_app.imaging.phantom import phantom_png
from edge_app.kiosk.login import FAILURES_S, MAX_FAILURES, SESSION_S, Sessions
from edge_app.records.database import open_store
from edge_app.records.readers import add_reader, check_reader, check_signer, login_entries

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
        for path in ("/config", "/record", "/export.csv", "/gradio_api/queue/join", "/report/ABCD", "/phone/"):
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


def test_given_a_certificate_the_kiosk_speaks_tls_and_guards_its_cookie(start_kiosk, tls_options):
    with start_kiosk("--lan", *tls_options) as kiosk:
        assert kiosk.url.startswith("https://")
        trust = ssl.create_default_context(cafile=tls_options[1])
        connection = http.client.HTTPSConnection("127.0.0.1", int(kiosk.url.rpartition(":")[2]), context=trust)
        connection.request("POST", "/login", "initials=AB&pin=13579", {"content-type": FORM})
        answer = connection.getresponse()
        assert answer.status == 303
        assert "Secure" in answer.getheader("set-cookie")
        connection.close()


def test_session_ends_by_itself():
    moment = [0.0]
    sessions = Sessions(lambda initials: "a", lambda: moment[0])
    token = sessions.begin("AB")
    assert sessions.holds(token)
    moment[0] = SESSION_S + 1
    assert not sessions.holds(token)


def test_address_that_failed_too_often_must_wait():
    moment = [0.0]
    sessions = Sessions(lambda initials: "a", lambda: moment[0])
    for _ in range(MAX_FAILURES):
        assert sessions.may_try("10.0.0.9")
    assert not sessions.may_try("10.0.0.9")
    assert sessions.may_try("10.0.0.8")
    moment[0] = FAILURES_S + 1
    assert sessions.may_try("10.0.0.9")


def test_attempt_that_succeeded_does_not_count():
    sessions = Sessions(lambda initials: "a")
    for _ in range(3 * MAX_FAILURES):
        assert sessions.may_try("10.0.0.9")
        sessions.succeeded("10.0.0.9")


@pytest.fixture
def lan_kiosk(start_kiosk, tmp_path):
    """A kiosk on the LAN with a reader AB and a technician TE."""
    store = open_store(tmp_path / "home")
    add_reader(store, "AB", "13579")
    add_reader(store, "TE", "24680", role="technician")
    store.close()
    with start_kiosk("--lan") as running:
        yield running


def test_client_that_claims_other_addresses_is_still_one_address(lan_kiosk):
    """A client may write any X-Forwarded-For; 40 wrong PINs with 40 of them are 40 from one address."""
    statuses = []
    for number in range(4 * MAX_FAILURES):
        named = dict.fromkeys(("X_Forwarded_For", "X_Real_IP", "Forwarded"), f"10.0.0.{number}")
        statuses.append(lan_kiosk.ask("/login", f"initials=N{number}&pin=0000".encode(), **named)[0])
    assert statuses == [401] * MAX_FAILURES + [429] * 3 * MAX_FAILURES


def test_forty_wrong_pins_at_once_are_counted_before_they_are_checked(lan_kiosk):
    with ThreadPoolExecutor(40) as pool:
        answers = pool.map(lambda number: lan_kiosk.ask("/login", f"initials=N{number}&pin=0000".encode()), range(40))
    assert sorted(answer[0] for answer in answers) == [401] * MAX_FAILURES + [429] * (40 - MAX_FAILURES)


def test_forwarded_host_does_not_change_the_page(lan_kiosk):
    _, cookie = log_in(lan_kiosk, "13579")
    named = {"X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "https"}
    assert json.loads(lan_kiosk.ask("/config", Cookie=cookie, **named)[1])["root"] == lan_kiosk.url


def test_wrong_pins_at_the_login_do_not_lock_a_reader_out_of_signing(lan_kiosk):
    for _ in range(MAX_FAILURES):
        assert log_in(lan_kiosk, "00000")[0] in (401, 429)
    store = open_store(lan_kiosk.home)
    try:
        assert check_signer(store, "AB", "13579") == "AB"
        with pytest.raises(ReaderRefused, match="wait"):
            check_reader(store, "AB", "13579", login_entries("127.0.0.1"))
    finally:
        store.close()


def test_session_of_a_removed_reader_or_an_old_pin_ends(lan_kiosk, monkeypatch):
    _, cookie = log_in(lan_kiosk, "13579")
    assert lan_kiosk.ask("/record", Cookie=cookie)[0] == 200
    monkeypatch.setattr("sys.stdin", io.StringIO("97531\n"))
    assert main(["reviews", "set-pin", "AB", "--data-dir", str(lan_kiosk.home)]) == 0
    assert lan_kiosk.ask("/record", Cookie=cookie)[0] == 401
    _, cookie = log_in(lan_kiosk, "97531")
    assert lan_kiosk.ask("/record", Cookie=cookie)[0] == 200
    assert main(["reviews", "remove", "AB", "--data-dir", str(lan_kiosk.home)]) == 0
    assert lan_kiosk.ask("/record", Cookie=cookie)[0] == 401


def test_nobody_is_enrolled_without_a_reader_who_confirms(lan_kiosk):
    _, cookie = log_in(lan_kiosk, "13579")
    form = "initials=NW&pin=1111"
    assert lan_kiosk.ask("/readers", form.encode(), Cookie=cookie)[0] == 400
    assert lan_kiosk.ask("/readers", f"{form}&by_initials=TE&by_pin=24680".encode(), Cookie=cookie)[0] == 400
    assert lan_kiosk.ask("/readers", f"{form}&by_initials=AB&by_pin=13579".encode(), Cookie=cookie)[0] == 200
    store = open_store(lan_kiosk.home)
    [entry] = [entry for entry in store.audit_log() if entry.subject == "NW"]
    store.close()
    assert (entry.actor, entry.action) == ("AB", "reader added")
