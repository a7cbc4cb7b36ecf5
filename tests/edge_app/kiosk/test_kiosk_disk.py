"""The disk or the power fails: an answer is still shown, and what was acknowledged stays."""

import json
import resource
import signal
import threading

import pytest
from selenium.webdriver.common.by import By

from edge_app.imaging.phantom import phantom_png
from edge_app.records.database import FILE_NAME, open_store


def kept_ids(home) -> set[str]:
    store = open_store(home)
    try:
        return {record.id for record in store.records()}
    finally:
        store.close()


def test_disk_that_cannot_be_written_still_gives_the_answer_and_says_not_saved(
    start_kiosk, browser, wait_for, tmp_path
):
    (tmp_path / "file").write_bytes(b"")
    with start_kiosk(home=tmp_path / "file" / "home") as kiosk:
        answer = json.loads(kiosk.ask("/films", phantom_png("viral", 1))[1])
        assert answer["status"] == "ok"
        assert answer["saved"] is False
        health = kiosk.ask("/health")[1].decode()
        assert "cannot be written" in json.loads(health)["not_saved"]
        assert str(tmp_path) not in health
        assert kiosk.ask("/record")[0] == 503
        browser.get(kiosk.url)
        wait_for(lambda: "Not saved: the record cannot be written" in browser.find_element(By.TAG_NAME, "body").text)


def test_full_disk_still_gives_the_answer_and_loses_nothing_older(start_kiosk, tmp_path):
    with start_kiosk() as kiosk:
        saved = [json.loads(kiosk.ask("/films", phantom_png("viral", seed))[1]) for seed in range(3)]
        assert all(answer["saved"] for answer in saved)
        # No file may grow beyond this any more: what a full disk does, for this process alone.
        size = max(path.stat().st_size for path in kiosk.home.iterdir())
        resource.prlimit(kiosk.process.pid, resource.RLIMIT_FSIZE, (size, size))
        answers = [json.loads(kiosk.ask("/films", phantom_png("normal", seed))[1]) for seed in range(3, 30)]
        assert all(answer["status"] == "ok" for answer in answers)
        assert not answers[-1]["saved"]
        assert json.loads(kiosk.ask("/health")[1])["not_saved"]
        home = kiosk.home
    acknowledged = {answer["id"] for answer in (*saved, *answers) if answer["saved"]}
    assert acknowledged <= kept_ids(home)


def test_health_says_that_the_watched_folder_is_gone_and_names_neither_it_nor_a_film(start_kiosk, tmp_path, wait_for):
    folder = tmp_path / "Anna Musterkind"
    folder.mkdir()
    with start_kiosk("--watch", str(folder)) as kiosk:
        assert json.loads(kiosk.ask("/health")[1])["troubles"] == {}
        folder.rmdir()
        wait_for(lambda: "watch" in json.loads(kiosk.ask("/health")[1])["troubles"])
        assert "Anna" not in kiosk.ask("/health")[1].decode()


def test_kill_9_loses_no_acknowledged_film(start_kiosk, wait_for):
    acknowledged: list[str] = []
    with start_kiosk() as kiosk:

        def hand_in() -> None:
            for seed in range(1000):
                try:
                    answer = json.loads(kiosk.ask("/films", phantom_png("normal", seed % 5))[1])
                except (OSError, ValueError):
                    return
                if answer["saved"]:
                    acknowledged.append(answer["id"])

        clients = [threading.Thread(target=hand_in) for _ in range(2)]
        for client in clients:
            client.start()
        wait_for(lambda: len(acknowledged) >= 12)
        kiosk.process.send_signal(signal.SIGKILL)
        for client in clients:
            client.join()
        home = kiosk.home
    assert set(acknowledged) <= kept_ids(home)


def test_broken_database_is_set_aside_and_the_kiosk_starts(start_kiosk, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / FILE_NAME).write_bytes(b"power went while this was written " * 500)
    with start_kiosk(home=home) as kiosk:
        assert json.loads(kiosk.ask("/films", phantom_png("viral", 1))[1])["saved"]
    assert [path.name for path in home.glob("records-broken-*")]


@pytest.mark.parametrize("path", ["/report/NOSUCHID", "/report/..%2f..%2fetc%2fpasswd"])
def test_report_of_nothing_is_not_found(kiosk, path):
    assert kiosk.ask(path)[0] == 404
