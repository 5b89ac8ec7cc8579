"""The protocol of a cutover as a small model, and every state that it can reach."""
