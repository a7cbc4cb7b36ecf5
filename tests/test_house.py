"""The order of the rooms: imports point down, never in a circle, and no folder holds too many modules.

Read from the syntax tree, so an import inside a function or under TYPE_CHECKING counts as any other.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support import REPOSITORY

MAX_MODULES = 14  # in a folder, `__init__` aside
# The rooms of each package, the lowest first: a room may import itself and those before it. A name is that
# of a folder or of a module in the package; what is named together in one line is one room.
ORDERS = {
    "edge_app": (
        ("errors", "version", "lazy", "commandline"),
        ("system",),
        ("deploy",),
        ("imaging",),
        ("model",),
        ("reading",),
        ("phone",),
        ("records",),
        ("workflow",),
        ("kiosk",),
        ("commands", "__main__", "__init__"),
    ),
    "train": (
        ("keras",),
        ("data",),
        ("networks",),
        ("evaluation",),
        ("training",),
        ("commands", "__main__", "__init__"),
    ),
    "convert": (
        ("options",),
        ("inference",),
        ("provenance",),
        ("keras_network",),
        ("source",),
        ("formats",),
        ("gates",),
        ("outcome",),
        ("packaging",),
        ("report",),
        ("conversion", "locator", "onnx_file"),
        ("__main__", "__init__"),
    ),
    "benchmarks": (
        ("output",),
        ("device",),
        ("studies",),
        ("tables",),
        ("commands", "__main__", "__init__"),
    ),
}
PACKAGES = ("edge_app", "train", "convert", "benchmarks")  # the lowest first
ROOMS = [(package, room) for package, rooms in ORDERS.items() for together in rooms for room in together]


def modules(package: str) -> dict[str, Path]:
    """Every module of a package by its full name; a package's `__init__` has that of its folder."""
    files = sorted((REPOSITORY / package).rglob("*.py"))
    return {
        ".".join(file.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__"): file for file in files
    }


def imported(name: str, known: dict[str, Path]) -> set[str]:
    """The modules of the repository that a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(known[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{name}: imports name the whole path"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {one if one in known else node.module for one in whole}
    return found & set(known) - {name}


def room_of(name: str) -> int:
    """The place of a module's room in its package's order."""
    package, *rest = name.split(".")
    inside = rest[0] if rest else "__init__"
    (place,) = (place for place, room in enumerate(ORDERS[package]) if inside in room)
    return place


def circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Each circle of a graph once, as far as one walk in depth finds them."""
    finished: set[str] = set()

    def walk(name: str, way: list[str]) -> Iterator[list[str]]:
        if name in way:
            yield [*way[way.index(name) :], name]
        elif name not in finished:
            for following in sorted(graph[name]):
                yield from walk(following, [*way, name])
            finished.add(name)

    for name in sorted(graph):
        yield from walk(name, [])


@pytest.fixture(scope="module")
def known() -> dict[str, Path]:
    return {name: path for package in PACKAGES for name, path in modules(package).items()}


@pytest.mark.parametrize(("package", "room"), ROOMS)
def test_a_room_imports_only_rooms_below_it(package: str, room: str, known: dict[str, Path]) -> None:
    inside = [name for name in modules(package) if room == [*name.split("."), "__init__"][1]]
    assert inside
    upward = [
        f"{name} imports {other}"
        for name in inside
        for other in sorted(imported(name, known))
        if other.split(".")[0] == package and room_of(other) > room_of(name)
    ]
    assert upward == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_packages_below_it(package: str, known: dict[str, Path]) -> None:
    allowed = PACKAGES[: PACKAGES.index(package) + 1]
    upward = [
        f"{name} imports {other}"
        for name in modules(package)
        for other in sorted(imported(name, known))
        if other.split(".")[0] not in allowed
    ]
    assert upward == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_itself_indirectly(package: str, known: dict[str, Path]) -> None:
    inside = modules(package)
    graph = {name: {other for other in imported(name, known) if other in inside} for name in inside}
    assert [" -> ".join(circle) for circle in circles(graph)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_folder_holds_few_modules_and_says_what_belongs_in_it(package: str) -> None:
    for folder in {path.parent for path in modules(package).values()}:
        flat = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(flat) <= MAX_MODULES, f"{folder} holds {len(flat)} modules"
        sign = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
        assert sign, f"{folder}/__init__.py does not say what belongs in the folder"


def test_a_planted_circle_and_a_lazy_import_are_found(tmp_path: Path) -> None:
    (tmp_path / "lazy.py").write_text("def f():\n    from b import c\n")
    (tmp_path / "typed.py").write_text("import typing\nif typing.TYPE_CHECKING:\n    import b.c\n")
    files = {"lazy": tmp_path / "lazy.py", "typed": tmp_path / "typed.py", "b": tmp_path, "b.c": tmp_path}
    assert imported("lazy", files) == imported("typed", files) == {"b.c"}
    assert list(circles({"a": {"b"}, "b": {"c"}, "c": {"b"}})) == [["b", "c", "b"]]


# What may print: commands, whose results go to standard output, and the children of the kit's own processes,
# whose parents read what they print.
PRINTS = ("commands/", "__main__.py", "commandline.py", "deploy/")


def _calls_print(path: Path) -> list[int]:
    """The lines that print, outside a `main`: what only runs as a program of its own speaks by printing."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    programs = {
        inner
        for outer in tree.body
        if isinstance(outer, ast.FunctionDef) and outer.name == "main"
        for inner in ast.walk(outer)
    }
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node not in programs)
    return [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_below_the_commands_prints_or_knows_a_command_line(package: str) -> None:
    found = []
    for path in modules(package).values():
        place = path.relative_to(REPOSITORY / package).as_posix()
        if place.startswith(PRINTS):
            continue
        found += [f"{package}/{place}:{line} prints" for line in _calls_print(path)]
        if "argparse" in path.read_text(encoding="utf-8"):
            found.append(f"{package}/{place} knows argparse")
    assert found == []
