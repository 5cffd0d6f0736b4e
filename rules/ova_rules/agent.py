"""The state of this agent: where the settings lie, whether we make the current change, and what hooks return.

Imported in every agent: no imports, no work.
"""

CONTINUE = 5000000  # rules of the same name in the site's other rule engines run too
SKIP = 5001000  # the operation succeeds and does nothing
NOT_PERMITTED = -818000  # CAT_NO_ACCESS_PERMISSION
NOT_PRIVILEGED = -830000  # CAT_INSUFFICIENT_PRIVILEGE_LEVEL

ADMINISTRATOR = 5  # authFlag of a local rodsadmin

# Where core.py lies, for the settings file beside it; core.py sets it.
settings_directory = "/etc/irods"

# Whether we make the current change ourselves: hooks then do nothing.
own_change = False
