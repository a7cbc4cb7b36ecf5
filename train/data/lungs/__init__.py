"""Drawing films for the lung locator afresh: other framings, other exposures, sick lungs, no lungs at all."""
