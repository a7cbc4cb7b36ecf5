"""A bundle that somebody made to break the kiosk is refused by `models install`, and the model before it goes on."""

import dataclasses
import io
import json
import math
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from tests_support import ENVIRONMENT, REPOSITORY, crafted_bundle, with_hash

from edge_app.__main__ import main
from edge_app.errors import CardError
from edge_app.model.bundle import read_bundle, shipped_bundle_path
from edge_app.model.card import ModelCard
from edge_app.model.card_rules import RULES

POINT = "operating_points.balanced"
AGES = ("2 to 5", None, [], [1], [1, 2, 3], [5, 1], [-1, 5], [0, 151], [0, "5"], [0, math.nan], True)
LABELS = (
    ["normal"],
    "normal",
    ["normal", "normal"],
    ["normal", "bacterial", ""],
    ["normal", "bacterial", "viral\n"],
    ["normal", "bacterial", "viral\x1b[2J"],
    ["normal", "bacterial", "\ud800"],
    ["normal", "bacterial", "v" * 65],
    ["normal", "bacterial", "uncertain"],
    ["normal", "bacterial", 7],
    ["bacterial", "viral"],
)
NUMBERS = (0, -1, 1e-308, 1e308, math.nan, math.inf, -math.inf, "1", None, True, [], 10**400)
WRONG = (
    *[("training.age_range_years", value) for value in AGES],
    *[("labels", value) for value in LABELS],
    *[("temperature", value) for value in NUMBERS],
    *[(f"{POINT}.threshold", value) for value in NUMBERS if value != 1e-308],
    *[(f"{POINT}.recall.value", value) for value in (-1, 2, math.nan, "1", None, True)],
    *[(f"{POINT}.recall", value) for value in ({}, {"value": 1}, [], None)],
    *[("uncertainty_band", value) for value in ([0.9, 0.1], [0.1], "0.1", [0, math.nan], [-1, 2], None)],
    *[("input_size_px", value) for value in (0, 15, 1025, 112.0, "112", True, None)],
    *[("locator.sha256", value) for value in ("", "x" * 64, "A" * 64, 7, None)],
    *[("parity.model_sha256", value) for value in ("", "0" * 63, None)],
    *[("parity.model_bytes", value) for value in (0, -1, 1.5, None)],
    *[("format_version", value) for value in (True, 1.5)],
    *[(name, value) for name in ("negative", "finding") for value in ("", "uncertain", None, 7, "x\ny")],
    ("finding", "normal"),
    ("negative", "other"),
    ("default_operating_point", "none"),
    ("operating_points", {}),
    ("operating_points", {"a\nb": {}}),
    ("operating_points", []),
    ("name", "=1+1\n"),
    ("name", "n" * 65),
    ("version", None),
    ("phantom", "no"),
    ("intended_use", "a" * 5001),
    ("intended_use", "\x1b[31m"),
    ("not_checked", "nothing"),
    ("not_checked", [1]),
    ("metrics", {"x": math.nan}),
    ("features.version", "1"),
    ("lung_field_statistics", {"height": {"films": 9, "mean": 0.5, "spread": 0.1}}),
    ("lung_field_statistics", {side: {"films": 9, "mean": 1.5, "spread": 0.1} for side in ("height", "width")}),
    ("lung_field_statistics", {side: {"films": 9, "mean": 0.5} for side in ("height", "width")}),
    ("tools", {"numpy": 1}),
    ("training", []),
)


def test_each_field_of_a_card_has_its_rule_and_each_rule_refuses_something():
    assert {field.name for field in dataclasses.fields(ModelCard)} == {
        name.rstrip("?") for name in RULES if "." not in name
    }
    assert not [name for name, (_, holds) in RULES.items() if holds(object())]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=lambda part: repr(part)[:40])
def test_card_with_a_wrong_field_is_not_installed_and_the_message_says_which(tmp_path, capsys, name, value):
    source = crafted_bundle(tmp_path / "m.tflite", {name: value})
    assert main(["models", "install", str(source), "--data-dir", str(tmp_path / "data")]) == 1
    said = capsys.readouterr().err
    assert "expected" in said or "this kit reads" in said
    assert name.split(".")[0] in said.replace("format version", "format_version")
    assert main(["models", "list", "--data-dir", str(tmp_path / "data")]) == 0
    assert capsys.readouterr().out.startswith("* shipped")


def test_card_error_holds_field_what_it_got_and_what_it_expected(tmp_path):
    with pytest.raises(CardError, match=r"expected a number from 0\.01 to 100") as caught:
        read_bundle(crafted_bundle(tmp_path / "m.tflite", {"temperature": 1e-308}))
    assert (caught.value.code, caught.value.field, caught.value.got) == ("card_field", "temperature", "1e-308")


@pytest.mark.parametrize("name", sorted({field.name for field in dataclasses.fields(ModelCard)} - {"negative"}))
def test_card_without_a_field_is_refused_or_has_its_default(tmp_path, name):
    card = json.loads(read_bundle(shipped_bundle_path()).card.to_json())
    del card[name]
    path = crafted_bundle(tmp_path / "m.tflite", members={"card.json": json.dumps(card).encode()})
    field = next(field for field in dataclasses.fields(ModelCard) if field.name == name)
    needed = field.default is field.default_factory is dataclasses.MISSING or name in ("locator", "format_version")
    if needed:
        with pytest.raises(Exception, match=rf"{name}|format version"):
            read_bundle(path)
    else:
        read_bundle(path)


def npz(entries, method=zipfile.ZIP_DEFLATED, claimed=None):
    """An .npz whose entries hold a header and then zeros. `claimed`: what its headers say instead of the true size."""
    out = io.BytesIO()
    sizes = []
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, (shape, zeros) in entries.items():
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
            with archive.open(name, "w", force_zip64=False) as member:
                member.write(header.getvalue())
                for _ in range(zeros // 2**20):
                    member.write(bytes(2**20))
            sizes.append(len(header.getvalue()) + zeros)
    content = out.getvalue()
    for size in sizes if claimed else ():
        content = content.replace(struct.pack("<L", size), struct.pack("<L", claimed))
    return content


LARGE = 600 * 2**20
BOMBS = {
    "films": lambda: npz({f"film_{index}.npy": ((300, 2**20), LARGE // 2) for index in range(2)}),
    "forged": lambda: npz({"film_0.npy": ((600, 2**20), LARGE)}, claimed=9000),
    "lzma": lambda: npz({"film_0.npy": ((600, 2**20), LARGE)}, zipfile.ZIP_LZMA, claimed=9000),
    "bzip2": lambda: npz({"film_0.npy": ((600, 2**20), LARGE)}, zipfile.ZIP_BZIP2, claimed=9000),
    "header": lambda: npz({"film_0.npy": ((2**31,), 0)}),
    "many": lambda: npz({f"film_{index}.npy": ((0,), 0) for index in range(20_000)}),
}
MEASURED = """
import re, sys
from pathlib import Path
from edge_app.__main__ import main
code = main(["models", "install", sys.argv[1], "--data-dir", sys.argv[2]])
print(code, int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""  # ru_maxrss would begin with the memory of the process that started it


def installed(source, data):
    """Exit code, peak memory in MiB and message of `models install` in a process of its own."""
    command = [sys.executable, "-c", MEASURED, str(source), str(data)]
    done = subprocess.run(command, cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    code, peak_mib = map(int, done.stdout.split()[-2:])
    return code, peak_mib, done.stderr


@pytest.mark.parametrize("bomb", BOMBS)
def test_golden_films_that_unpack_to_gigabytes_are_refused_before_they_are_unpacked(tmp_path, bomb):
    """0.3.0 took 1.1 GB for 242 kB."""
    source = crafted_bundle(tmp_path / "m.tflite", members={"golden.npz": BOMBS[bomb]()})
    code, peak_mib, said = installed(source, tmp_path / "data")
    assert code == 1
    assert "golden.npz" in said
    assert peak_mib < 250, said


@pytest.mark.parametrize("name", ["card.json", "labels.txt", "golden.npz", "MODEL_CARD.md", "locator.tflite"])
@pytest.mark.parametrize("forged", [False, True])
def test_member_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked(tmp_path, name, forged):
    zeros = 2**28
    source = crafted_bundle(tmp_path / "m.tflite", members={name: bytes(zeros)})
    if forged:
        content = source.read_bytes().replace(struct.pack("<L", zeros), struct.pack("<L", 1000))
        source = with_hash(source, content)
    code, peak_mib, said = installed(source, tmp_path / "data")
    assert code == 1
    assert "m.tflite" in said
    assert peak_mib < 200, said


def test_file_that_is_too_large_or_no_file_is_not_read(tmp_path):
    large, pipe = tmp_path / "large.tflite", tmp_path / "folder.tflite"
    with_hash(large, b"x")
    with large.open("r+b") as file:
        file.truncate(2**31)
    pipe.mkdir()
    for source in (large, pipe):
        code, peak_mib, said = installed(source, tmp_path / "data")
        assert (code, source.name in said) == (1, True)
        assert peak_mib < 500


@pytest.mark.parametrize(
    ("shape", "count", "said"),
    [((16, 16), 3, "sides from 32"), ((2000, 64), 3, "sides from 32"), ((64, 64), 17, "at most 16")],
)
def test_golden_films_of_other_sizes_and_numbers_are_refused(tmp_path, capsys, shape, count, said):
    content = io.BytesIO()
    arrays = {f"film_{index}": np.zeros(shape, np.uint8) for index in range(count)}
    fitting = {"builtin.logits": np.zeros((count, 3), np.int8), "builtin.steps_allowed": np.array(2)}
    np.savez(content, **arrays, **fitting)
    source = crafted_bundle(tmp_path / "m.tflite", members={"golden.npz": content.getvalue()})
    assert main(["models", "install", str(source), "--data-dir", str(tmp_path)]) == 1
    assert said in capsys.readouterr().err
