"""Prices, invoices, credit notes and payments."""
