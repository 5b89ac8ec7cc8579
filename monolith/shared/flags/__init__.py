"""What operators ask for: flags, read through OpenFeature, and the audit log of who changed what and why."""
