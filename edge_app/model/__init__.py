"""The model file: card, bundle, runtimes, signatures, installed versions. Scores no film by itself."""
