"""From pixels to an answer: the predictor, the decision rule, and the checks that refuse or warn."""
