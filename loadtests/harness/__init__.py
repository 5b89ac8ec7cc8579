"""Shared parts of the bench, the laboratory and the story: servers, tenants, core pinning, processor time, traffic."""
