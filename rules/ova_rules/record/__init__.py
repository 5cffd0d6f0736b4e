"""The server's records about components: facts, who set what, the last build and those before it."""
