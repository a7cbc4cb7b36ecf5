"""TensorFlow and Keras 2, imported in the one way that works with quantization-aware training.

Model-optimization needs Keras 2, which TensorFlow provides only when this variable is set before
its first import. Every module of the kit that needs TensorFlow imports it from here.
"""

import os

from edge_app.system.notices import without_notices

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

with without_notices():
    import tensorflow as tf
    import tf_keras as keras

    tf.config.list_physical_devices()  # looks for a GPU, which is the last notice

__all__ = ["keras", "tf"]
