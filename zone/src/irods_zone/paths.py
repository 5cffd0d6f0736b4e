"""Logical paths: checks them, and finds their parts. Pure functions."""

from __future__ import annotations

from irods_zone import errors
from irods_zone.errors import IrodsError

MAX_PATH = 1087


def checked(path: str, *, relative: int = errors.USER_INPUT_PATH_ERR) -> str:
    """The path without trailing slashes; an error unless it is absolute and each part is a name.

    The error `relative` for relative paths; USER_INPUT_PATH_ERR for the parts '.' and '..'; USER_PATH_EXCEEDS_MAX.
    """
    if not path.startswith("/") or "\0" in path:
        raise IrodsError(relative, f"{path!r} is not an absolute path")
    if len(path.encode("utf-8", "surrogateescape")) > MAX_PATH:
        raise IrodsError(errors.USER_PATH_EXCEEDS_MAX, f"a path of {len(path)} characters")
    stripped = path.rstrip("/") or "/"
    if stripped != "/" and any(part in ("", ".", "..") for part in stripped[1:].split("/")):
        raise IrodsError(errors.USER_INPUT_PATH_ERR, f"{path!r} has a part that names nothing")
    return stripped


def split(path: str) -> tuple[str, str]:
    """(collection, name) of a path; the collection of a top-level name is '/'."""
    collection, _, last = path.rpartition("/")
    return collection or "/", last


def below(path: str) -> tuple[str, str]:
    """The range [low, high) of paths strictly below a collection, for an index: '0' is the character after '/'."""
    return ("/", "0") if path == "/" else (path + "/", path + "0")


def parent(path: str) -> str:
    """The collection that a path is in."""
    return split(path)[0]


def name(path: str) -> str:
    """The last part."""
    return split(path)[1]


def is_in_trash(path: str) -> bool:
    """Whether the path is below /ZONE/trash."""
    parts = path.split("/")
    return len(parts) > 3 and parts[2] == "trash"


def is_home(path: str) -> bool:
    """Whether the path is a user's home collection, /ZONE/home/USER."""
    parts = path.split("/")
    return len(parts) == 4 and parts[2] == "home"


def is_trash_home(path: str) -> bool:
    """Whether the path is a user's trash collection, /ZONE/trash/home/USER."""
    parts = path.split("/")
    return len(parts) == 5 and parts[2:4] == ["trash", "home"]
