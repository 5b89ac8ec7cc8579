"""The pages: plain HTML that works without scripts. They speak to scheduling through the port, like the API."""
