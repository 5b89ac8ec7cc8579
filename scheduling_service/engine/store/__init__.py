"""The engine's SQL, one purpose per statement.

Row-level security restricts each statement to the transaction's business. Statements name the business nevertheless, so
that they are explicit and use the indexes that start with it.
"""
