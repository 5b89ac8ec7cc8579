"""Exchange with other calendars."""
