"""A component as its AVUs define it: what it inherits and references, its source, its fingerprint. Reading only."""
