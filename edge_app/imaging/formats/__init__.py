"""The film formats that the kit reads, one file per format, each listed once in `registry`."""
