"""Speed and memory on this machine. Needs only `edge_app`, except to build the networks of `compare`."""

# In the order in which they are shown; each is a module here and a command of the same name.
BENCHMARKS = ("latency", "compare", "pipeline", "coldstart", "kiosk", "bulk", "roofline")
