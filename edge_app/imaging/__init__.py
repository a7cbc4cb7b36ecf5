"""From a file to pixels: reading films, preprocessing, drawn films, colours. Depends on no model."""
