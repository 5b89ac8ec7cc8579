"""The learning path: an extraction in ten steps, in the running product, as pages of the operator console."""
