"""A component as its AVUs say: what it inherits and references, its source, its fingerprint. Reading only."""
