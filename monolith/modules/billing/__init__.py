"""Prices, invoices, credit notes, payments."""
