"""What ova_admin raises on purpose: one line for the administrator, with what to do."""

from ova_grid.errors import GridError


class AdminError(GridError):
    """Something is not as it must be on the server; what is wrong with the zone is a GridError."""
