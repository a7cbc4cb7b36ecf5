"""The TFLite runtimes that can run a model, one file per runtime, each listed once in `registry`."""
