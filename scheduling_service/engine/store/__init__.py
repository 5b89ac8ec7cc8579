"""The engine's SQL: one statement, one purpose.

Row security confines each statement to the transaction's business; the business is named all the same, so that a
statement reads as what it does and uses the index that starts with it.
"""
