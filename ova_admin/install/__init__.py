"""`ova-admin install` and `uninstall`: what is copied, what is changed in /etc/irods, and how it is taken back.

`block`, `json_text`, `server_config` and `undo` are pure: bytes in, bytes out. `change` is the only module that
writes into /etc/irods, `versions` the only one that writes into the prefix.
"""
