"""What a measurement leaves behind: JSON, Markdown, plots, and the statistics in them."""
