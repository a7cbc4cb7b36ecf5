"""What is kept: the database of drafts and reviews, its audit log, readers, exports, kept films."""
