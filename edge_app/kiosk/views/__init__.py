"""The pages and their parts as HTML; all text is escaped."""
