"""Registered scenarios, one file each; `planning/scenario.py` defines their format."""
