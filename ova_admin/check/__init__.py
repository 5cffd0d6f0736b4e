"""`ova-admin check`: every requirement, whether it is met, and what to do if not.

Each module checks one kind of thing and returns `Finding`s. None prints, and none changes anything except what it makes
and removes itself.
"""
