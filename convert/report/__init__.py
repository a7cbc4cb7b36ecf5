"""The report of a conversion, for people."""
