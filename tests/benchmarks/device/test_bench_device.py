"""The facts about a machine, read from folders that look like one."""

from pathlib import Path

import pytest

from benchmarks.device.harness import machine


def fake_pi(root: Path) -> Path:
    files = {
        "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
        "proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd evtstrm aes\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n",
        "proc/meminfo": "MemTotal:        3884772 kB\nMemFree: 1 kB\n",
        "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
        "sys/class/thermal/thermal_zone0/temp": "48312\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_pi_is_described_by_board_governor_and_heat(tmp_path: Path) -> None:
    root = fake_pi(tmp_path)
    facts, state = machine.facts(root), machine.state(root)
    assert facts["board"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert facts["cpu_flags"] == ["asimd"]
    assert (facts["governor"], facts["memory_mb"]) == ("ondemand", 3793)
    assert facts["system"] == "Debian GNU/Linux 12 (bookworm)"
    assert (state["frequency_mhz"], state["temperature_c"]) == (1500, 48.312)


def test_missing_facts_about_the_machine_stop_no_benchmark(tmp_path: Path) -> None:
    facts, state = machine.facts(tmp_path), machine.state(tmp_path)
    assert [facts["board"], facts["governor"], facts["memory_mb"]] == [None, None, None]
    assert [state["frequency_mhz"], state["temperature_c"]] == [None, None]
    assert machine.memory_kb(root=tmp_path) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("throttled=0x0\n", []),
        ("throttled=0x50005\n", ["under-voltage now", "throttled now", "under-voltage has occurred"]),
        ("VCHI initialization failed", None),
        ("throttled=?", None),
    ],
)
def test_throttling_is_described_in_words(text: str, words: list[str] | None) -> None:
    got = machine.throttle_words(text)
    assert got == words if not words else got is not None and got[: len(words)] == words


def test_peak_memory_is_that_of_the_process_itself() -> None:
    before = machine.memory_kb()
    if before is None:
        pytest.skip("this system has no /proc")
    ballast = bytearray(64 * 2**20)
    after = machine.memory_kb()
    assert after is not None
    assert after["peak"] - before["rss"] > 60 * 1024
    assert len(ballast) == 64 * 2**20
