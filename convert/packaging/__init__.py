"""What a bundle holds beside the model: card, golden films, metadata, feature statistics, signature."""
