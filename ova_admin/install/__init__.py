"""`ova-admin install` and `uninstall`: what they copy, what they change in /etc/irods, and how they undo it.

`block`, `json_text`, `server_config` and `undo` are pure: bytes in, bytes out. `change` is the only module that writes
into /etc/irods, `versions` the only one that writes into the prefix.
"""
