"""A client's view of grids over python-irodsclient, with the rights of its user: what machines have, had and lack."""
