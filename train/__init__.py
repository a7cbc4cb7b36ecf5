"""The training room: float models from labelled films, and the figures that say how good they are."""
