"""The model file: card, bundle, runtimes, signatures, installed versions. It scores no film."""
