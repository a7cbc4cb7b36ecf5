"""TensorFlow and Keras 2, imported the one way that quantization-aware training can work with.

Model-optimization needs Keras 2, which TensorFlow hands out only when this variable is set before
its first import. Every module of the kit that needs TensorFlow imports it from here.
"""

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
import tf_keras as keras

__all__ = ["keras", "tf"]
