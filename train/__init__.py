"""The training room: float models from labelled films, and the figures that judge them."""
