"""What ova_admin raises on purpose: one line for the administrator, with what to do."""


class AdminError(Exception):
    """Something is not as it must be; str() is one line that says what, where, and the remedy."""
