"""What a converted file must pass before it may be a bundle."""
