"""The development stack: real servers from wheels, and a supervisor for the product's processes."""
