"""Businesses, user accounts and memberships, and their credentials: sessions and API tokens."""
