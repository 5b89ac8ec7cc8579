"""The laboratory: whether there is a problem that the monolith cannot solve, on evidence that anybody can check."""
