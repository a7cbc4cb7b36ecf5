"""Networks run over many films, each in a child process and a chosen runtime: the locator, then the classifier."""
