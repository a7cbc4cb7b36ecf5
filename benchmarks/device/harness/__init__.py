"""The measuring machinery: rows in turns, each in a process of its own."""
