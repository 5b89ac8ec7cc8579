"""Rehearsal of failovers: the whole product on servers that replace each other, under traffic that a ledger checks."""
