"""Databases, roles, schemas and migrations: what both deployments need before anything runs."""
