"""Speed and memory on this machine. Needs `edge_app` alone, but for the rivals."""
