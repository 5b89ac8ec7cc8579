"""Metrics and health checks of the monolith."""
