"""The servers of one zone: which one this is, and how they ask each other for what only the other can do."""
