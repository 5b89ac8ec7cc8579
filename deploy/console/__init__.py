"""The operator console: a web process of its own on the services that the command line uses."""
