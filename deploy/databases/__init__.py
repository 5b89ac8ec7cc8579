"""Databases, roles, schemas and migrations of both deployments."""
