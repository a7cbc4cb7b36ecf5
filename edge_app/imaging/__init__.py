"""A file becomes pixels: reading films, preprocessing, drawn films, colours. It knows no model."""
