"""tflite-runtime 2.14, the last version of LiteRT's predecessor: for 32-bit ARM, which LiteRT has no wheel for.

Its built-in kernels on arm64 give the same bits as the reference kernels. On x86-64 they round some ties of
CONV_2D the other way, which adds up from layer to layer: `convert` measures how far for each file.
"""

from edge_app.model.runtimes.base import RuntimeKind

RUNTIME = RuntimeKind(
    package="tflite-runtime",
    module="tflite_runtime.interpreter",
    kernels="builtin",
    target="tflite-runtime-2.14",
    golden_steps_allowed=2,
    made_for="32-bit ARM",
    reference_is_golden=True,
    numpy_below=2,
)
