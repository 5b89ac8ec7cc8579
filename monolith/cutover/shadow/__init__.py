"""Shadow reads: a share of reads goes to the side that does not own the business, too, and the answers are compared."""
