"""All talk with iRODS: its types, who may do what, queries, writes."""
