"""Release of a version: checks its tag and changelog, and builds one wheel per package."""
