"""The reference of all settings, generated from the code that reads them."""
