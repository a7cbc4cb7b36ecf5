"""The search for code that knows by name what a registry lists finds such code."""

import pytest
from registry_names import lines_that_know


@pytest.mark.parametrize(
    "source",
    [
        "HEAVY = ('a', 'x', 'b')",
        "EPOCHS = {'a': 1, 'b': 2}",
        "slow = name == 'a'",
        "def f(name):\n    return name in {'a', 'b'}",
    ],
)
def test_a_second_list_and_a_special_case_are_found(source: str) -> None:
    assert list(lines_that_know({"a", "b", "c"}, source))


@pytest.mark.parametrize("source", ["DEFAULT = 'a'", "names = ['a', 'x']", "'a and b'", "x = one['a']"])
def test_a_default_and_a_single_choice_are_allowed(source: str) -> None:
    assert not list(lines_that_know({"a", "b", "c"}, source))
