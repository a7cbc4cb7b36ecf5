import pytest

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


def test_a_missing_module_of_the_kit_itself_is_not_hidden() -> None:
    with pytest.raises(ModuleNotFoundError):
        guarded("room", lambda: _fail(ModuleNotFoundError("x", name="edge_app.nothing")))


def test_an_unexpected_error_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        guarded("room", lambda: _fail(ZeroDivisionError()))
