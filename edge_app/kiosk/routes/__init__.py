"""Routes of the web application, by subject: the record, set-up, and the page for a phone."""
