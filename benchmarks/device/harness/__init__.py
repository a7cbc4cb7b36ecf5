"""The measuring machinery: candidates in turns, each in a process of its own, and the machine they run on."""
