"""Auth's SQL: one statement, one purpose. Every function takes the connection of a transaction that it does not end."""
