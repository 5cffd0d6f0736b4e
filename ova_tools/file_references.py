"""Where the references of a descriptor lead: to names within the package, or out of it.

Must never let a name out that leads outside: what `reference_names` gives may be opened beside the descriptor.
An .ova holds all its files, so that a reference out of it is refused at once (DSP0243 5.3). A plain .ovf may have its
disks anywhere (DSP0243 7.1 takes any relative path or URL); they are never opened there, and `verify` refuses them.
"""

from __future__ import annotations

import re

from .errors import DescriptorError
from .model import Reference

# A URL scheme or a drive letter; a colon further on is part of a plain name.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(file|data|https?|ftp):|[A-Za-z]:", re.IGNORECASE)


def reference_names(reference: Reference, descriptor: str = "") -> tuple[str, ...]:
    """Return the names a member may have to which `reference` leads: its href as written, and percent-decoded.

    They are relative to the place of the member `descriptor`; where that is a directory, also plain. What leads outside
    gives none. For a chunked file (DSP0243 7.1) the first chunk's name is given too.
    """
    href = reference.href
    if leads_outside(href) or not href:
        return ()
    names = [name[2:] if name.startswith("./") else name for name in (href, _decoded(href))]
    directory = descriptor.rpartition("/")[0]
    if directory:
        names = [f"{directory}/{name}" for name in names] + names
    if reference.chunk_size is not None:
        names += [f"{name}.{0:09d}" for name in names]
    return tuple(dict.fromkeys(names))


def leads_outside(href: str) -> bool:
    """Tell whether `href` is a URL, an absolute path, or climbs with '..', percent-encoded or not."""
    if _SCHEME.match(href):
        return True
    paths = [name.replace("\\", "/") for name in (href, _decoded(href))]
    return any(path.startswith("/") or ".." in path.split("/") or "\0" in path for path in paths)


def _decoded(href: str) -> str:
    """`href` without percent-encoding; few have any."""
    if "%" not in href:
        return href
    from urllib.parse import unquote

    return unquote(href)


def on_the_web(href: str) -> bool:
    """Tell whether `href` is a web address, which a plain .ovf may have."""
    return href.lower().startswith(("http://", "https://"))


def check_inside(reference: Reference, *, web_allowed: bool) -> None:
    """Raise DescriptorError if `reference` leads outside the package, other than to the web where that is allowed."""
    if leads_outside(reference.href) and not (web_allowed and on_the_web(reference.href)):
        raise DescriptorError(
            f"href {reference.href!r} of file {reference.id!r} leads outside the package; "
            "the name of a file in it is right, without leading '/' or '..' (DSP0243 5.3)"
        )
