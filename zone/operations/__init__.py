"""What a zone does with objects, collections and metadata, with access checks and policy points; no sockets, no packing."""
