"""The device room: what a clinic runs. Needs numpy, Pillow and one TFLite interpreter, no more."""

__version__ = "0.3.0"
