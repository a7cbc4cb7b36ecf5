"""The version of the kit: one number for all four packages."""

__version__ = "0.4.0"
