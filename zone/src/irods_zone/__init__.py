"""The embedded zone: a small server that speaks the iRODS protocol, for trying and testing. Not for production."""
