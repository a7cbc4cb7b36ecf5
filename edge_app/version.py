"""The version of the kit: one number for all four packages."""

__version__ = "0.5.0"
