"""Which requests the kiosk accepts: Host, Origin, size, closed routes, headers."""

import json

import pytest

from edge_app.imaging.limits import MAX_FILE_BYTES
from edge_app.imaging.phantom import phantom_png


def test_health_names_the_model_after_a_golden_inference(kiosk):
    status, body, _ = kiosk.ask("/health")
    assert status == 200
    assert json.loads(body)["model"]["name"]


def test_film_by_http_gets_what_predict_says(kiosk):
    status, body, _ = kiosk.ask("/films", phantom_png("viral", 1))
    answer = json.loads(body)
    assert status == 200
    assert answer["status"] == "ok"
    assert set(answer) >= {
        "id",
        "label",
        "probabilities",
        "p_pneumonia",
        "threshold",
        "decision",
        "model",
        "ms",
        "saved",
    }


def test_foreign_host_name_is_refused(kiosk):
    """DNS rebinding: another site's name that resolves to this machine."""
    assert kiosk.ask("/health", Host="evil.example")[0] == 400
    assert kiosk.ask("/health", Host="127.0.0.1.evil.example")[0] == 400
    assert kiosk.ask("/", Host="[bad")[0] == 400


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}]
)
def test_page_of_another_site_cannot_hand_in_a_film(kiosk, headers):
    assert kiosk.ask("/films", phantom_png("normal", 1), **headers)[0] == 403


def test_own_page_may_hand_in_a_film(kiosk):
    headers = {"Origin": kiosk.url, "Sec_Fetch_Site": "same-origin"}
    assert kiosk.ask("/films", phantom_png("normal", 1), **headers)[0] == 200


def test_file_that_is_too_large_is_refused_before_it_is_decoded(kiosk):
    status, body, _ = kiosk.ask("/films", bytes(MAX_FILE_BYTES + 1))
    assert status == 413
    assert json.loads(body)["reason"]["code"] == "file_too_large"


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/proxy=http://evil.example",
        "/docs",
        "/openapi.json",
    ],
)
def test_gradios_own_upload_and_file_routes_are_closed(kiosk, path):
    assert kiosk.ask(path)[0] == 404


def test_every_answer_keeps_the_page_on_this_machine(kiosk):
    for path in ("/", "/health", "/gradio_api/upload"):
        headers = kiosk.ask(path)[2]
        assert "connect-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


def test_analytics_and_run_history_are_off(kiosk):
    config = json.loads(kiosk.ask("/config")[1])
    assert config["analytics_enabled"] is False
    assert config["run_history"] is False
