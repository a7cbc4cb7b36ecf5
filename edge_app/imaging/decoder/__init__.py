"""Decoding films in a process of its own, which may crash, hang or swell without harm to the one that serves."""
