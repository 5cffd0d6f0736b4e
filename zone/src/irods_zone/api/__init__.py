"""The API calls of the embedded zone, by number; each decodes, calls an operation, encodes."""
