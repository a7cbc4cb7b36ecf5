from typing import Any

from edge_app.model.profiling import split_by_delegate, time_runs


def _operator(name: str, inputs: list[int], outputs: list[int]) -> dict[str, Any]:
    return {"op_name": name, "inputs": inputs, "outputs": outputs}


def test_operators_between_a_delegates_ends_are_the_delegated_ones() -> None:
    # 0 -CONV-> 1 -CUSTOM-> 2 -CONV-> 3 -MEAN-> 4: the delegate took the last two.
    own = [
        _operator("CONV_2D", [0, 10], [1]),
        _operator("CUSTOM", [1], [2]),
        _operator("CONV_2D", [2, 11], [3]),
        _operator("MEAN", [3, 12], [4]),
    ]
    delegated, outside = split_by_delegate([*own, _operator("DELEGATE", [2, 11, 12], [4])])
    assert delegated == ["CONV_2D", "MEAN"]
    assert outside == ["CONV_2D", "CUSTOM"]


def test_without_delegate_every_operator_is_outside() -> None:
    assert split_by_delegate([_operator("MEAN", [0], [1])]) == ([], ["MEAN"])


def test_warm_up_runs_are_not_counted() -> None:
    seen: list[int] = []
    times = time_runs(lambda: seen.append(1), runs=3, warm_up=2)
    assert (len(seen), len(times.wall_ns), len(times.cpu_ns)) == (5, 3, 3)
    assert times.median_ms == sorted(times.wall_ns)[1] / 1e6
