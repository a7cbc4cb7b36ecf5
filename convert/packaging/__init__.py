"""What a bundle holds besides the model: card, golden films, metadata, feature statistics."""
