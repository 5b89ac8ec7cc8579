"""Mails to customers about their appointments."""
