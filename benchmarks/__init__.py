"""The bench: what the kit costs on the machine at hand, and what the alternatives cost there.

`latency`, `pipeline` and `coldstart` need `edge_app` alone; `compare` also needs TensorFlow.
Rows are measured in turns, each in a process of its own, so that a machine that slows down slows
every row, and a ratio of two rows stays fair.
"""
