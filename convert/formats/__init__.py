"""The files that a float model can become, one registry entry each; quantization-aware training."""
