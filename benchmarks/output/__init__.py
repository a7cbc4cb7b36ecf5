"""What a measurement leaves behind: result files, Markdown, plots, and the statistics and goals in them."""
