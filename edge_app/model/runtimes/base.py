"""What the kit must know about a runtime: as declared, and once imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RuntimeKind:
    """A runtime that the kit can use, whether it is installed or not."""

    package: str
    """Its name in pip; also its name in records, cards, options and CXR_EDGE_RUNTIME."""
    module: str
    """The module with its `Interpreter`."""
    kernels: str
    """The family of kernels that runs int8, "xnnpack" or "builtin": a key of a bundle's golden outputs."""
    target: str
    """What `convert --target` calls files for this runtime and all newer ones."""
    golden_steps_allowed: int
    """The smallest tolerance for a device's golden outputs, in steps of int8."""
    made_for: str
    """Which machines and Python versions have a wheel, for messages."""
    reference_is_golden: bool = False
    """For an int8 file, whether the outputs of the reference kernels are the golden ones of this family."""
    numpy_below: int | None = None
    """The first major version of numpy that it does not work with; None: it works with all versions."""
    operator_versions: Mapping[str, int] = field(default_factory=dict)
    """The newest version that it loads of each operator; empty: it is newer than the converter and knows all."""

    @property
    def delegates_int8(self) -> bool:
        """Whether XNNPACK must take every operator of an int8 file, or most of the speed is lost."""
        return self.kernels == "xnnpack"


@dataclass(frozen=True)
class Runtime:
    """A runtime that was imported."""

    kind: RuntimeKind
    version: str
    module: Any

    @property
    def family(self) -> str:
        """The family of kernels that runs int8."""
        return self.kind.kernels

    def __str__(self) -> str:
        return f"{self.kind.package} {self.version}"
