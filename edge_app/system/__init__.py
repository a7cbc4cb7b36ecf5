"""The machine: files, clock, data folder, watchdog. Knows of no film and no model."""
