"""A model's answers on a set of films: the table of them, the figures drawn from it, and the page that shows both."""
