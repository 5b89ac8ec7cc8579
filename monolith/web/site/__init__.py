"""The booking site: pages on which guests and customers book, wait for and change appointments."""
