"""The machine: files, clock, data folder, child processes, watchdog. Depends on no film and no model."""
