"""Training in bfloat16, which some processors multiply faster than float32.

Weights, their averages, the network's outputs and everything after training stay float32.
"""

from typing import Any

from train.networks.rebuild import rebuilt

HALF, FULL = "mixed_bfloat16", "float32"


def half_precise(model: Any) -> Any:
    """The model with layers that compute in bfloat16, but for those that give its outputs."""
    return rebuilt(model, lambda layer, config: config.update(dtype=FULL if layer.name in model.output_names else HALF))


def full_precise(model: Any) -> Any:
    """The model with layers that compute in float32."""
    return rebuilt(model, lambda _, config: config.update(dtype=FULL))
