"""The scheduling contract: the port, its models, errors, operations and wire format."""
