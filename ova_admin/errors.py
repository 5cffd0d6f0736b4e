"""The errors that ova_admin raises on purpose: one line for the administrator, with what to do."""

from ova_grid.errors import GridError


class AdminError(GridError):
    """Something is wrong on the server. An error of the zone is a GridError."""
