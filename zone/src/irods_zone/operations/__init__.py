"""What a zone does with objects, collections and metadata: access checks, policy points; no sockets, no packing."""
