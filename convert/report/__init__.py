"""The report of a conversion: a page, its plots and the table of all formats."""
