"""A model that somebody made breaks neither the page nor the record: installed by the command, used by HTTP."""

import base64
import json
import os
import sqlite3
import subprocess
import sys

import pytest
from clinic import Clinic
from tests_support import ENVIRONMENT, REPOSITORY, crafted_bundle

from edge_app.errors import BundleError
from edge_app.imaging.phantom import phantom_png
from edge_app.kiosk.model_walk import self_test
from edge_app.reading.rejection import Rejection

STRANGE = 'sound & <b class="x">well</b>'
STRANGE_CLASS = {
    "labels": [STRANGE, "bacterial", "viral"],
    "negative": STRANGE,
    "operating_points.balanced.threshold": 0.9999,  # every film is of that class
    "parity.threshold": 0.9999,
}
WRIST = {"labels": ["sound", "fracture", "other"], "negative": "sound", "finding": "fracture"}


def _numbers(count: int) -> str:
    return base64.b64encode(b"\x00\x00\x80\x3f" * count).decode()


# Statistics of one channel: the golden films pass, and each film after them was an "internal error".
ONE_CHANNEL = {
    "features.distance.mean": _numbers(1),
    "features.distance.spread": _numbers(1),
    "features.distance.directions": base64.b64encode(b"\x00\x3c").decode(),
}


@pytest.fixture
def command(tmp_path):
    """Run a command of the kit on this test's data folder."""

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "edge_app", *map(str, words)],
            cwd=REPOSITORY,
            env=ENVIRONMENT | {"CXR_EDGE_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
        )

    return run


def test_class_that_the_page_has_no_word_for_is_shown_as_it_is_also_after_a_rollback(
    tmp_path, command, start_kiosk, browser, wait_for
):
    """In 0.3.0 one such draft made the record page fail from then on."""
    done = command("models", "install", crafted_bundle(tmp_path / "strange.tflite", STRANGE_CLASS))
    assert done.returncode == 0, done.stderr
    shown = "sound &amp; &lt;b class=&quot;x&quot;&gt;well&lt;/b&gt;"
    with start_kiosk() as kiosk:
        answer = json.loads(kiosk.ask("/films", phantom_png("viral", 3))[1])
        assert (answer["decision"], answer["saved"]) == (STRANGE, True)
    assert command("models", "rollback").returncode == 0
    with start_kiosk() as kiosk:
        usual = json.loads(kiosk.ask("/films", phantom_png("viral", 4))[1])
        assert usual["decision"] != STRANGE
        status, page, _ = kiosk.ask("/record")
        assert status == 200
        assert shown in page.decode()
        assert usual["id"] in page.decode()
        status, page, _ = kiosk.ask(f"/report/{answer['id']}")
        assert (status, shown in page.decode()) == (200, True)
        assert STRANGE.replace('"', '""') in kiosk.ask("/export.csv")[1].decode()
        clinic = Clinic(browser, wait_for, kiosk.url)
        row = f"button.case[data-id='{answer['id']}']"
        wait_for(lambda: STRANGE in clinic.text(row))
        clinic.press(row)
        wait_for(lambda: STRANGE in clinic.text("#kiosk-answer"))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [(ONE_CHANNEL, "the card describes 1 features"), (WRIST, "decides between fracture and sound")],
    ids=["other features", "other classes"],
)
def test_model_that_fails_on_its_way_through_the_kiosk_is_refused_and_the_old_one_goes_on(
    tmp_path, command, start_kiosk, fields, reason
):
    done = command("models", "install", crafted_bundle(tmp_path / "crafted.tflite", fields))
    assert (done.returncode, reason in done.stderr) == (1, True), done.stderr
    with start_kiosk() as kiosk:
        answer = json.loads(kiosk.ask("/films", phantom_png("viral", 3))[1])
        assert (answer["status"], answer["saved"]) == ("ok", True)


def test_model_on_which_the_kit_itself_fails_is_refused(shipped, monkeypatch):
    monkeypatch.setattr(Rejection, "check_features", lambda *_: 1 / 0)
    with pytest.raises(BundleError, match="fails on a drawn film"):
        self_test(shipped.path)


def test_model_of_an_older_kit_that_fails_now_gives_way_at_the_next_start(tmp_path, command):
    """It was installed by a kit that tried less: `models settle`, which the service calls first, goes back."""
    assert command("models", "install", crafted_bundle(tmp_path / "good.tflite", {"version": "9.1"})).returncode == 0
    models = tmp_path / "home" / "models"
    (version,) = [path for path in models.iterdir() if path.is_dir()]
    os.truncate(models / "current", 0)
    crafted_bundle(next(version.glob("*.tflite")), ONE_CHANNEL)
    (models / "current").write_text(f"{version.name}\nshipped\n")
    done = command("models", "settle")
    assert done.returncode == 0
    assert "the card describes 1 features" in done.stderr
    assert (models / "current").read_text().startswith("shipped\n")


def test_model_of_other_classes_passes_its_self_test_which_says_that_the_kiosk_does_not_take_it(tmp_path, command):
    done = command("selftest", "--json", "--model", crafted_bundle(tmp_path / "wrist.tflite", WRIST))
    assert done.returncode == 0, done.stderr
    assert "score films with python -m edge_app predict" in json.loads(done.stdout)["kiosk"]


def test_a_record_that_cannot_be_shown_does_not_hide_the_others(start_kiosk, browser, wait_for):
    with start_kiosk() as kiosk:
        bad, torn, good = (json.loads(kiosk.ask("/films", phantom_png("viral", seed))[1])["id"] for seed in (3, 5, 4))
        with sqlite3.connect(kiosk.home / "records.sqlite3") as db:
            db.execute("DROP TRIGGER records_no_update")
            db.execute("UPDATE records SET answer = json_set(answer, '$.decision', 5) WHERE id = ?", (bad,))
            db.execute("UPDATE records SET answer = '{' || answer WHERE id = ?", (torn,))
        db.close()
        for path in ("/record", "/record?show=draft"):
            status, page, _ = kiosk.ask(path)
            assert status == 200
            for damaged in (bad, torn):
                assert f'<td>{damaged}</td><td colspan="5">This record cannot be shown.</td>' in page.decode()
            assert f"report/{good}" in page.decode()
    with start_kiosk() as kiosk:  # nothing is in memory any more
        clinic = Clinic(browser, wait_for, kiosk.url)
        clinic.see(f"button.case[data-id='{good}']")
        assert f"{bad}: This record cannot be shown." in clinic.text("#kiosk-list")
