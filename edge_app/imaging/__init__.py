"""A file becomes pixels: reading films, preprocessing, drawn films, colours. Knows of no model."""
