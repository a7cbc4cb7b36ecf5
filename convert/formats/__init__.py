"""The float model as a .tflite file, one function for each format; quantization-aware training."""
