"""The list of runtimes, and which one this machine uses. To add one, write its file and add its name here.

Two runtimes must not be loaded into one process (their bindings share a registry, and the second one
fails with "vector::reserve"), so each process picks one, once.
"""

import importlib
import importlib.util
import os
import sys

from edge_app.errors import RuntimeUnavailable
from edge_app.model.runtimes.base import Runtime, RuntimeKind

RUNTIME_VARIABLE = "CXR_EDGE_RUNTIME"
_KINDS: tuple[RuntimeKind, ...] = tuple(
    importlib.import_module(f"edge_app.model.runtimes.{name}").RUNTIME
    for name in (  # the newest first: it is the fastest, and runs every file that an older one runs
        "litert",
        "tflite_runtime",
    )
)
RUNTIMES = {kind.package: kind for kind in _KINDS}


def installed_runtimes() -> list[str]:
    """The runtime packages that are installed, the preferred one first; imports none of them."""
    return [kind.package for kind in _KINDS if importlib.util.find_spec(_top(kind))]


def chosen_runtime(package: str | None = None) -> RuntimeKind:
    """The runtime to use; it is not imported.

    Args:
        package: a key of `RUNTIMES`; without it the environment variable CXR_EDGE_RUNTIME decides,
            then the first one that is installed.
    Raises:
        RuntimeUnavailable: there is no runtime of that name, or none is installed.
    """
    wanted = package or os.environ.get(RUNTIME_VARIABLE) or next(iter(installed_runtimes()), None)
    if wanted is None:
        offers = " or ".join(f"{kind.package} ({kind.made_for})" for kind in _KINDS)
        raise RuntimeUnavailable(f"no TFLite runtime is installed: pip install {offers}")
    if wanted not in RUNTIMES:
        raise RuntimeUnavailable(f"there is no runtime {wanted!r}; the kit knows {', '.join(RUNTIMES)}")
    return RUNTIMES[wanted]


def load_runtime(package: str | None = None) -> Runtime:
    """Import a runtime.

    Args:
        package: as for `chosen_runtime`.
    Raises:
        RuntimeUnavailable: as `chosen_runtime`, or the runtime cannot be imported.
    """
    kind = chosen_runtime(package)
    try:
        module = importlib.import_module(kind.module)
    except ImportError as cause:
        raise RuntimeUnavailable(f"{kind.package} cannot be imported: {cause}") from cause
    # Not importlib.metadata: its e-mail parser would cost a tenth of a cold start.
    return Runtime(kind, sys.modules[_top(kind)].__version__, module)


def _top(kind: RuntimeKind) -> str:
    return kind.module.partition(".")[0]
