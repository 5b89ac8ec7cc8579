"""The development stack: database servers from wheels, and a supervisor for the product's processes."""
