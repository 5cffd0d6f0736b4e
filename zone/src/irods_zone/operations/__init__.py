"""Operations on objects, collections and metadata: access checks and policy points; no sockets, no packing."""
