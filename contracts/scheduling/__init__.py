"""The scheduling contract: port, models, errors, operations, events and wire format."""
