"""The machine: files, clock, data folder, child processes, watchdog. It knows no film and no model."""
