"""Makes the install stick: every wheel a device needs, with hashes, and the installer. Needs a network.

    python -m edge_app.deploy.wheelhouse --out dist/stick [--target aarch64-3.11 ...]

    install.sh, cxr-edge.service, kiosk-browser.sh
    wheels/TARGET/*.whl and requirements*.txt     one folder per machine and Python version
    wheels/TARGET/system-packages.txt             what the device's own system must have (32-bit ARM)
    models/*.tflite                               more models to install, if --model names any
    sbom.cdx.json                                 what is on the stick, with the models (CycloneDX)
    SHA256SUMS, SHA256SUMS.sig                    of all files, and its signature; install.sh checks both first

With --lock it writes requirements-device.txt from the wheels that it got. Without, it takes no wheel whose hash is not
in that file.

pip can download for another machine, but it evaluates the conditions in a wheel's metadata
(`python_version >= "3.13"`) for its own Python. So the requirements of wheels are followed here, for the
target, and every version comes from constraints.txt.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_app.deploy.sbom import wheel_metadata, write_sbom
from edge_app.errors import KitError
from edge_app.system.files import sha256_of

HERE = Path(__file__).parent
SOURCE = HERE.parents[1]
STICK_FILES = ("install.sh", "cxr-edge.service", "kiosk-browser.sh")
KIT = "cxr-edge-kit"
LOCK = SOURCE / "requirements-device.txt"
BUILD_TOOLS = ("packaging", "pip", "setuptools")  # what makes the environments of the Makefile and the kit's wheel
HASH = " --hash=sha256:"
SUMS = "SHA256SUMS"
NAMESPACE = "cxr-edge-stick"  # a model's signature is none of a stick


@dataclass(frozen=True)
class Target:
    """A kind of device: its machine as in `uname -m`, its Python, the newest glibc that a wheel may need."""

    machine: str
    python: str
    glibc_minor: int
    # Sets of packages: the name of a requirements file and its requirements.
    sets: tuple[tuple[str, tuple[str, ...]], ...]
    # Packages without a wheel for this machine that Debian has: the package's name, its name in Debian.
    from_system: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.machine}-{self.python}"

    @property
    def platforms(self) -> list[str]:
        """What pip may download: wheels for this glibc or an older one."""
        return [f"manylinux_2_{minor}_{self.machine}" for minor in range(self.glibc_minor, 4, -1)] + [
            f"manylinux2014_{self.machine}",
            f"linux_{self.machine}",
        ]

    def environment(self) -> dict[str, str]:
        """The values of environment markers on the device."""
        return {
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "platform_machine": self.machine,
            "platform_system": "Linux",
            "platform_python_implementation": "CPython",
            "implementation_name": "cpython",
            "sys_platform": "linux",
            "os_name": "posix",
        }


KIOSK = ("requirements.txt", (f"{KIT}[edge]",))
PREDECESSOR = ("requirements-tflite-runtime.txt", (KIT, "tflite-runtime", "gradio", "pydicom"))
# 32-bit ARM: gradio's dependencies have no wheels there, so no kiosk page, only `predict`.
COMMAND_LINE = ("requirements.txt", (KIT, "tflite-runtime", "pydicom"))
# Older than the versions tested on 64 bit: numpy 1.24, and Pillow 9.4, which reads no JPEG inside DICOM.
DEBIANS = (("numpy", "python3-numpy"), ("pillow", "python3-pil"))
TARGETS = {
    str(target): target
    for target in (
        Target("aarch64", "3.11", 36, (KIOSK, PREDECESSOR)),  # Raspberry Pi OS Bookworm, 64 bit
        Target("aarch64", "3.13", 41, (KIOSK,)),  # Raspberry Pi OS Trixie, 64 bit
        Target("armv7l", "3.11", 36, (COMMAND_LINE,), DEBIANS),  # Raspberry Pi OS Bookworm, 32 bit
        Target("x86_64", "3.11", 36, (KIOSK, PREDECESSOR)),  # a small PC, Debian 12
        Target("x86_64", "3.13", 41, (KIOSK,)),  # a small PC, Debian 13
    )
}
DEFAULT_TARGETS = ("aarch64-3.11", "aarch64-3.13")


def main(argv: list[str] | None = None) -> int:
    """Make a stick.

    Returns:
        0 when it is complete, 1 when a wheel is missing.
    """
    args = _parser().parse_args(argv)
    try:
        targets = [TARGETS[name] for name in args.target or (TARGETS if args.lock else DEFAULT_TARGETS)]
        make_stick(args.out, targets, args.extra_wheels, args.model)
        if args.lock:
            write_lock(args.out / "wheels", targets)
        check_hashes(args.out / "wheels", LOCK.read_text(encoding="ascii"), args.extra_wheels)
        write_sums(args.out, args.sign)
    except KitError as error:
        print(f"wheelhouse: {error}", file=sys.stderr)
        return 1
    print(args.out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wheelhouse", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the stick, or a folder to be copied to it"
    )
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="may be repeated (default: 64-bit)")
    parser.add_argument("--extra-wheels", type=Path, metavar="DIR", help="wheels that pip cannot find")
    parser.add_argument(
        "--model", type=Path, action="append", default=[], metavar="BUNDLE", help="also install this model"
    )
    parser.add_argument("--sign", type=Path, metavar="KEY", help="sign the stick with this SSH key")
    parser.add_argument("--lock", action="store_true", help=f"for every target, and write the hashes to {LOCK.name}")
    return parser


def make_stick(out: Path, targets: list[Target], extra_wheels: Path | None, models: list[Path]) -> None:
    """Write the stick, all but its sums.

    Raises:
        KitError: there is no wheel for one of the packages.
    """
    with tempfile.TemporaryDirectory() as folder:
        kit = build_kit_wheel(Path(folder))
        for target in targets:
            fill(out / "wheels" / str(target), target, kit, extra_wheels)
    for name in STICK_FILES:
        shutil.copy2(HERE / name, out / name)
    for model in models:
        (out / "models").mkdir(exist_ok=True)
        for file in model.parent.glob(f"{model.name}*"):
            shutil.copy2(file, out / "models" / file.name)
    write_sbom(out)


def check_hashes(wheels: Path, known: str, extra_wheels: Path | None = None) -> None:
    """Refuse wheels that are not those whose hashes are known; the kit's own and extra ones may be any.

    Raises:
        KitError: the registry gave another file, or constraints.txt names another version.
    """
    for wheel in wheels.glob("*/*.whl"):
        is_own = wheel.name.startswith("cxr_edge_kit-") or (extra_wheels and (extra_wheels / wheel.name).exists())
        if not is_own and sha256_of(wheel.read_bytes()) not in known:
            raise KitError(
                f"the hash of {wheel} is not in {LOCK.name}: do not use it; after new constraints: make lock"
            )


def write_lock(wheels: Path, targets: list[Target], lock: Path = LOCK) -> None:
    """Write what `make app` installs: versions and conditions of constraints.txt, and the hashes of these wheels."""
    hashes: dict[str, set[str]] = {}
    for wheel in wheels.glob("*/*.whl"):
        hashes.setdefault(wheel_requirement(wheel), set()).add(f"{HASH}{sha256_of(wheel.read_bytes())}")
    lines = [f"# Made by `make lock` from constraints.txt, for {', '.join(map(str, targets))}.\n"]
    for requirement in _requirements(SOURCE / "constraints.txt"):
        version = f"{canonical(requirement.name)}=={next(iter(requirement.specifier)).version}"
        if version in hashes:
            marker = requirement.marker
            if version.startswith("tflite-runtime"):  # on other machines only for the older runtime of a stick
                marker = "platform_machine == 'armv7l'"
            lines.append(f"{version}{f' ; {marker}' if marker else ''}{''.join(sorted(hashes[version]))}\n")
    lock.write_text("".join(lines), encoding="ascii")


def build_kit_wheel(folder: Path) -> Path:
    """The kit's own wheel, built from a copy so that no old build folder is included."""
    source = folder / "source"
    ignored = shutil.ignore_patterns(".*", "build", "dist", "runs", "data", "tests", "__pycache__", "*.egg-info")
    shutil.copytree(SOURCE, source, ignore=ignored)
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source))
    return next(folder.glob("cxr_edge_kit-*.whl"))


def fill(folder: Path, target: Target, kit: Path, extra_wheels: Path | None) -> None:
    """Download the wheels of a target and write its requirements with their hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    pins = read_pins(SOURCE / "constraints.txt", target)
    shutil.copy2(kit, folder)
    for extra in sorted(extra_wheels.glob("*.whl")) if extra_wheels else ():
        shutil.copy2(extra, folder)
    _download(folder, target, [pinned(tool, pins) for tool in BUILD_TOOLS])
    missing = [(name, debian) for name, debian in target.from_system if find_wheel(folder, name, pins) is None]
    write_system_packages(folder / "system-packages.txt", [debian for _, debian in missing])
    named = {find_wheel(folder, tool, pins) for tool in BUILD_TOOLS}
    for name, roots in target.sets:
        wheels = follow(folder, target, pins, roots, frozenset(name for name, _ in missing))
        lines = [f"{wheel_requirement(wheel)}{HASH}{sha256_of(wheel.read_bytes())}\n" for wheel in wheels]
        (folder / name).write_text("".join(sorted(lines)), encoding="ascii")
        named.update(wheels)
    for stale in set(folder.glob("*.whl")) - named:  # from an earlier call with other versions
        stale.unlink()


def write_system_packages(path: Path, packages: list[str]) -> None:
    """Write what the installer must find in the device's own system; no file if nothing is needed."""
    if packages:
        path.write_text("".join(f"{package}\n" for package in packages), encoding="ascii")
    else:
        path.unlink(missing_ok=True)


def follow(
    folder: Path,
    target: Target,
    pins: dict[str, str],
    roots: tuple[str, ...],
    from_system: frozenset[str] = frozenset(),
) -> list[Path]:
    """Download the requirements of the roots, then theirs, and so on, with one call of pip per level.

    Args:
        from_system: packages that the device's system has; they and their requirements are left out.
    """
    from packaging.requirements import Requirement

    have: dict[str, Path] = {}
    done: set[tuple[str, frozenset[str]]] = set()
    level = [Requirement(root) for root in roots]
    while level:
        names = {canonical(requirement.name) for requirement in level}
        missing = [pinned(name, pins) for name in sorted(names) if find_wheel(folder, name, pins) is None]
        if missing:
            _download(folder, target, missing)
        following: list[Requirement] = []
        for requirement in level:
            key = (canonical(requirement.name), frozenset(requirement.extras))
            if key in done:
                continue
            done.add(key)
            wheel = find_wheel(folder, key[0], pins)
            if wheel is None:
                raise KitError(f"there is no wheel of {pinned(key[0], pins)} for {target}: add one with --extra-wheels")
            have[key[0]] = wheel
            wanted = needs(wheel, requirement.extras, target)
            following += [need for need in wanted if canonical(need.name) not in from_system]
        level = following
    return sorted(have.values())


def needs(wheel: Path, extras: set[str], target: Target) -> list:
    """The requirements of a wheel that apply on the target."""
    from packaging.requirements import Requirement

    environments = [target.environment() | {"extra": extra} for extra in ("", *extras)]
    requirements = [Requirement(line) for line in wheel_metadata(wheel).get_all("Requires-Dist") or []]
    return [r for r in requirements if r.marker is None or any(r.marker.evaluate(e) for e in environments)]


def read_pins(constraints: Path, target: Target) -> dict[str, str]:
    """The versions of constraints.txt that apply on the target, by canonical name."""
    pins = {}
    for requirement in _requirements(constraints):
        if requirement.marker is None or requirement.marker.evaluate(target.environment()):
            pins[canonical(requirement.name)] = next(iter(requirement.specifier)).version
    return pins


def _requirements(constraints: Path) -> list[Any]:
    from packaging.requirements import Requirement

    lines = [line.partition("#")[0].strip() for line in constraints.read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line]


def pinned(name: str, pins: dict[str, str]) -> str:
    """`name==version`.

    Raises:
        KitError: constraints.txt has no version of it.
    """
    if canonical(name) not in pins:
        raise KitError(f"constraints.txt has no version of {name}: add the tested one")
    return f"{name}=={pins[canonical(name)]}"


def find_wheel(folder: Path, name: str, pins: dict[str, str]) -> Path | None:
    """The wheel of a package in a folder, of the pinned version; of the kit, the only one."""
    for wheel in sorted(folder.glob("*.whl")):
        package, version = wheel.name.split("-")[:2]
        if canonical(package) == name and (name == KIT or version == pins.get(name)):
            return wheel
    return None


def wheel_requirement(wheel: Path) -> str:
    """`name==version` from a wheel's file name."""
    package, version = wheel.name.split("-")[:2]
    return f"{canonical(package)}=={version}"


def canonical(name: str) -> str:
    """A package's name as an index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def write_sums(out: Path, key: Path | None = None) -> None:
    """SHA256SUMS of every file, for `sha256sum -c`, and with an SSH key its signature.

    Raises:
        KitError: the key cannot sign.
    """
    files = sorted(path for path in out.rglob("*") if path.is_file() and path.name not in (SUMS, f"{SUMS}.sig"))
    lines = [f"{sha256_of(path.read_bytes())}  {path.relative_to(out).as_posix()}\n" for path in files]
    (out / SUMS).write_text("".join(lines), encoding="utf-8")
    (out / f"{SUMS}.sig").unlink(missing_ok=True)  # of an earlier call
    if key:
        command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(out / SUMS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KitError(f"{key} cannot sign the stick: {done.stderr.strip()}: name a private SSH key")


def _download(folder: Path, target: Target, requirements: list[str]) -> None:
    words = ["download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), "--python-version", target.python]
    for platform in target.platforms:
        words += ["--platform", platform]
    _pip(*words, *requirements)


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", *words, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        command, env=pip_environment(words[0], os.environ), capture_output=True, text=True, check=False
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise KitError(f"pip {words[0]} failed: {errors[-1] if errors else 'no reason given'}")


def pip_environment(command: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of pip, in which the same source always gives the same wheel, and so the same stick.

    The constraints that the Makefile sets apply to this machine's Python, so a download for another one
    must not see them; every version is named already.
    """
    variables = dict(environ) | {"SOURCE_DATE_EPOCH": "315532800"}
    if command == "download":
        variables.pop("PIP_CONSTRAINT", None)
    return variables


if __name__ == "__main__":
    raise SystemExit(main())
