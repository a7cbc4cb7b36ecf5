"""What a converted file must pass before it becomes a bundle."""
