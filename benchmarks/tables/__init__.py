"""Tables and pages made of committed results."""
