"""What the server writes down about components: facts, who set what, the last build and those before it."""
