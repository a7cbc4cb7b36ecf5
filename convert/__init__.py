"""Bundles from float models, and the gates that refuse a bad one."""
