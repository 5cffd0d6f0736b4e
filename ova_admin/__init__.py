"""The administrator's tool: installs the rules in an iRODS server, checks that they work, looks after components.

Runs on the server, as root or as the service account. It may import `ova_rules` and `ova_tools`, to use their
decisions; nothing imports it.
"""
