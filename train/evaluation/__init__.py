"""How good a model is: evaluation sets, metrics, operating points, finished runs, plots."""
