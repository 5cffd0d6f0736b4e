"""All access to iRODS: its types, who may do what, queries, writes."""
