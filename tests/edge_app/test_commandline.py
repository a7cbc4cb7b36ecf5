import pytest

from edge_app.__main__ import main
from edge_app.commandline import guarded
from edge_app.errors import BundleError


def _fail(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (BundleError("the card is wrong"), "room: the card is wrong"),
        (OSError(28, "No space left on device"), "room: [Errno 28] No space left on device"),
        (
            ModuleNotFoundError("x", name="tensorflow"),
            "room: tensorflow is not installed here: make test installs everything",
        ),
    ],
)
def test_expected_errors_are_one_line_and_exit_1(error: Exception, line: str, capsys: pytest.CaptureFixture) -> None:
    assert guarded("room", lambda: _fail(error)) == 1
    assert capsys.readouterr().err.splitlines() == [line]


@pytest.mark.parametrize("option", ["--port", "--dicom-port"])
@pytest.mark.parametrize("port", ["99999", "-1", "65536", "x"])
def test_a_port_that_cannot_be_is_wrong_usage(option: str, port: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit, check=lambda ended: ended.code == 2):
        main(["serve", f"{option}={port}"])
    said = f"{option}: {port!r} is not a port: a whole number from 0 to 65535"
    assert said in capsys.readouterr().err


def test_a_missing_module_of_the_kit_itself_is_not_hidden() -> None:
    with pytest.raises(ModuleNotFoundError):
        guarded("room", lambda: _fail(ModuleNotFoundError("x", name="edge_app.nothing")))


def test_an_unexpected_error_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        guarded("room", lambda: _fail(ZeroDivisionError()))
