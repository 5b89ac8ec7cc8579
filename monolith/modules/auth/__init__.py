"""Businesses, the people who belong to them, and how both prove who they are."""
