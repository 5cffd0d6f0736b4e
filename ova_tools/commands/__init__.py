"""The commands of `ova`, one module for each: `add` describes its arguments, `run` does it and returns the exit status.

Thin edges: they read arguments, call ova_tools and print. What is slow to import is imported where it is used.
"""
