"""`convert --onnx`: the float model for other programs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests_support import ENVIRONMENT

from convert.__main__ import main
from convert.source import Source
from train.networks.inference import predict


def test_onnx_file_gives_the_logits_of_the_keras_model(
    run_folder: Path, phantom_set: Path, source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    pytest.importorskip("tf2onnx", reason="needs the extra onnx")
    words = ["--model", str(run_folder / "model.keras"), "--data", str(phantom_set), "--out", str(tmp_path)]
    assert main(["--onnx", *words, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    session = onnxruntime.InferenceSession(made["path"], providers=["CPUExecutionProvider"])
    pixels = source.validation.pixels
    outputs = session.run(None, {"film": pixels[..., None].astype(np.float32)})
    expected = predict(source.model, pixels)
    for output, values in zip(session.get_outputs(), outputs, strict=True):
        assert np.allclose(values, expected[output.name], atol=1e-3)
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["labels"]) == list(source.run.labels)
    assert json.loads(facts["threshold"]) == source.run.calibration.default_threshold


def test_without_the_extra_the_message_says_what_to_install(run_folder: Path, tmp_path: Path) -> None:
    code = "import sys; sys.modules['tf2onnx'] = None; from convert.__main__ import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "--onnx", "--model", str(run_folder / "model.keras"), "--out", str(tmp_path)]
    done = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is missing: pip install 'cxr-edge-kit[train,onnx]'" in done.stderr
    assert not list(tmp_path.iterdir())


def test_onnx_and_a_bundle_are_not_asked_for_at_once() -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--onnx", "--ptq"])
    assert stopped.value.code == 2
