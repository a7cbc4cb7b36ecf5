"""A phone's browser with the page open, for tests."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any


class Phone:
    """A phone's browser with the page open."""

    def __init__(self, chrome: Any) -> None:
        self.chrome = chrome

    def open(self, address: str) -> None:
        """Open a page and wait until it is ready, or says why it is not."""
        self.chrome.get("about:blank")
        self.chrome.get(address)
        self.wait(lambda: self.chrome.execute_script("return document.readyState") == "complete")
        self.chrome.execute_async_script(
            "const done = arguments[0]; (window.phone?.started ?? Promise.reject()).then(() => done(), () => done())"
        )

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of an async function's body with the loaded reader as `reader`."""
        body = f"""const done = arguments[arguments.length - 1], given = [...arguments].slice(0, -1);
            const bytes = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
            const text = (bytes) => btoa(Array.from(bytes, (each) => String.fromCharCode(each & 255)).join(""));
            phone.started.then(async (reader) => {{ {script} }}).then(done, (error) => done("failed: " + error))"""
        return self.chrome.execute_async_script(body, *arguments)

    def answer(self, content: bytes, age: float | None = None) -> dict[str, Any]:
        """The JSON for a film, with the hash of its pixels and the classifier's raw outputs."""
        script = """
            const { json, film, box } = await phone.answer(bytes(given[0]), given[1]);
            const seen = film && { pixels_sha256: phone.sha256(film.pixels), shape: [film.height, film.width] };
            return JSON.stringify({ ...json, ...seen, raw: box && reader.raw(film, box) });"""
        # As text, because geckodriver reads numbers to fewer digits.
        said: dict[str, Any] = json.loads(self.run(script, base64.b64encode(content).decode(), age))
        assert isinstance(said, dict), said
        return said

    def wait(self, what: Callable[[], Any], limit_s: float = 60.0) -> Any:
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if value := what():
                return value
            time.sleep(0.05)
        raise AssertionError(f"not within {limit_s} s")

    def requests(self) -> list[str]:
        """Every address that the page asked for since the last call, but its own file and Chromium's own pages."""
        messages = (json.loads(entry["message"])["message"] for entry in self.chrome.get_log("performance"))
        asked = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
        return [
            address
            for address in asked
            if not address.startswith(("file:", "data:", "blob:", "about:", "chrome:", "chrome-untrusted:"))
        ]
