"""The way of a local journal to a server."""
