"""The relay: publishes events from the outbox of one database to the Redis stream, at least once."""
