"""The iRODS protocol without sockets: bytes in, messages out."""
