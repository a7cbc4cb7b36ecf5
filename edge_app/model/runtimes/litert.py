"""LiteRT. Its XNNPACK kernels are many times faster on int8 than the kernels of its predecessor."""

from edge_app.model.runtimes.base import RuntimeKind

RUNTIME = RuntimeKind(
    package="ai-edge-litert",
    module="ai_edge_litert.interpreter",
    kernels="xnnpack",
    target="litert",
    golden_steps_allowed=2,  # measured between x86-64 and emulated aarch64: differences of one step in places
    made_for="64 bit",
)
