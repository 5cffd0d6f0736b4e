"""`ova-admin check`: every requirement, whether it is met, and what to do if not.

Each module looks at one kind of thing and returns `Finding`s; none prints, none changes anything but what it makes
and removes itself.
"""
