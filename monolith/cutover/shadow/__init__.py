"""Shadow reads: repeat a share of the reads in the database that does not own the business, and compare the replies."""
