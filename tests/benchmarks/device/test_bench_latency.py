"""`python -m benchmarks latency`, as a user calls it."""

import json
import subprocess
from pathlib import Path

from tests_support import run_python

from benchmarks.device import latency
from benchmarks.device.harness.bundles import NO_TWIN
from edge_app.model.bundle import Bundle
from edge_app.system.child_process import ROOT

NOT_RUN = {"name": "x", "cannot_run": "why"}
NO_TENSORFLOW = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "tf_keras", "keras", "matplotlib", "gradio"):
            raise ImportError(f"{name} must not be imported here")
sys.meta_path.insert(0, Refuse())
"""


def bench(*words: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_python("-m", "benchmarks", *words, cwd=cwd, **variables)


def test_latency_runs_on_a_device_without_tensorflow(shipped: Bundle, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_TENSORFLOW)
    done = bench("latency", "--quick", "--json", "--threads", "1", cwd=tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result == json.loads((tmp_path / "runs/benchmarks/latency.json").read_text())
    assert result["command"] == "python -m benchmarks latency --quick --threads 1"
    assert {"board", "governor", "cpu_flags"} <= set(result["device"])
    ran = [row for row in result["rows"] if "cannot_run" not in row]
    assert ran[0]["model"]["sha256"] == shipped.sha256
    assert {"median_ms", "p90_ms", "p99_ms", "max_ms", "stddev_ms"} <= set(ran[0]["latency_metrics"])
    twin = result["rows"][-1]
    assert twin["cannot_run"] == NO_TWIN
    for name in ("latency.md", "latency.svg"):
        assert (tmp_path / "runs/benchmarks" / name).stat().st_size > 200


def test_a_damaged_bundle_is_refused_before_it_is_timed(shipped: Bundle, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(shipped.content[:-1] + b"\x00")
    damaged.with_name("damaged.tflite.sha256").write_text("0" * 64 + "  damaged.tflite\n")
    done = bench("latency", "--quick", "--model", str(damaged), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "damaged" in done.stderr
    assert "Traceback" not in done.stderr


def test_ratios_compare_the_int8_file_with_its_float_twin_and_threads_with_one() -> None:
    def row(name: str, quantization: str, threads: int, ms: float) -> dict:
        facts = {"model": {"name": "m"}, "quantization": quantization, "rounds": {"median_ms": [ms] * 3}}
        return {"name": name, "engine": "e", "threads": threads} | facts

    rows = [row("m", "int8-qat", 1, 2.0), row("m", "int8-qat", 2, 3.0), row("m-float32", "float32", 1, 4.0)]
    ratios = json.loads(json.dumps(latency.ratios([*rows, NOT_RUN])))  # as they are written
    found = {(r["question"], r["threads"]): r["ratio"]["value"] for r in ratios}
    assert found == {("int8 over float twin", 1): 0.5, ("2 threads over 1", 2): 1.5}
