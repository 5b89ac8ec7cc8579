"""HTML pages that work without scripts. Like the API, they use scheduling through the port."""
