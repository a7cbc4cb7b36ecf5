"""How a model runs on this machine: how long each inference takes, and which operators a delegate took over.

`convert` and `benchmarks` measure with it.
"""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RunTimes:
    """Nanoseconds of every timed inference: wall clock, and processor time of this process."""

    wall_ns: list[int]
    cpu_ns: list[int]

    @property
    def median_ms(self) -> float:
        """Median by the wall clock."""
        return statistics.median(self.wall_ns) / 1e6


def time_runs(run: Callable[[], Any], runs: int, seconds: float = math.inf, warm_up: int = 0) -> RunTimes:
    """Time several inferences in a row.

    Args:
        runs: at most this many inferences.
        seconds: no inference begins after this long, except the first.
        warm_up: inferences before them that are not counted.
    """
    for _ in range(warm_up):
        run()
    wall_ns: list[int] = []
    cpu_ns: list[int] = []
    until = time.perf_counter_ns() + seconds * 1e9
    while len(wall_ns) < runs and (not wall_ns or time.perf_counter_ns() < until):
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        run()
        cpu_ns.append(time.process_time_ns() - cpu)
        wall_ns.append(time.perf_counter_ns() - wall)
    return RunTimes(wall_ns, cpu_ns)


def split_by_delegate(operators: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Separate delegated operators from the others.

    An interpreter lists the file's operators, and after them one DELEGATE for each part that a delegate
    took over. That part lies between the outputs and the inputs of the DELEGATE.

    Args:
        operators: from `Interpreter._get_ops_details()`: `op_name`, `inputs` and `outputs` (tensor numbers).
    Returns:
        Names of the delegated operators, and names of the others, each in their order of use.
    """
    own = [operator for operator in operators if operator["op_name"] != "DELEGATE"]
    producer = {int(tensor): index for index, operator in enumerate(own) for tensor in operator["outputs"]}
    taken: set[int] = set()
    for part in (operator for operator in operators if operator["op_name"] == "DELEGATE"):
        given = {int(tensor) for tensor in part["inputs"]}
        wanted = [int(tensor) for tensor in part["outputs"]]
        while wanted:
            index = producer.get(wanted.pop())
            if index is not None and index not in taken:
                taken.add(index)
                wanted += [int(tensor) for tensor in own[index]["inputs"] if int(tensor) not in given]
    names = [str(operator["op_name"]) for operator in own]
    return (
        [name for index, name in enumerate(names) if index in taken],
        [name for index, name in enumerate(names) if index not in taken],
    )
