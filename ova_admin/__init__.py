"""The administrator's tool: puts the rules into an iRODS server, shows that they work, looks after components.

Runs on the server, as root or as the service account. It may import `ova_rules` and `ova_tools`, to ask them what they
think; nothing imports it.
"""
