"""Labelled films: where they come from, how they are split by patient, loaded and augmented."""
