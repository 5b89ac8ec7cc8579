"""The maintenance job of one database: expires overdue holds and offers freed slots to the waitlist."""
