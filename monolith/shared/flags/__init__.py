"""Feature flags, read through OpenFeature, and the audit log."""
