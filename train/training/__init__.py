"""Making a float model: the training loop, its recipes, its checkpoints and its search."""
