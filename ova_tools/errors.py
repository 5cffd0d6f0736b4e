"""The errors of ova_tools: all that can be wrong with a package, its descriptor or a request.

A message is one printable line for a person who did not write the code. It must never hold a password value and never a
raw control character, however hostile the file was.
"""

from __future__ import annotations

_LONGEST = 600


def one_line(text: str) -> str:
    """Return `text` as one printable line: control characters are shown as escapes, a huge text is cut."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[:_LONGEST])
    return shown + ("…" if len(text) > _LONGEST else "")


class OvaError(Exception):
    """Something is wrong with the input or the request; `str(error)` is one line that says what and where."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class PackageError(OvaError):
    """The file is not a usable OVF package: not a tar, cut short, an unsafe member name, no descriptor, …"""


class DescriptorError(OvaError):
    """The OVF descriptor cannot be read: broken XML, a DTD, a reference that leaves the package, …"""


class ManifestError(OvaError):
    """The manifest cannot be read, or a digest in it is wrong."""


class CertificateError(OvaError):
    """The certificate of the package, or the key or certificate to sign with, is wrong."""


class PropertyError(OvaError):
    """A property is unknown, ambiguous or fixed, or a value does not fit it.

    `property` is the full name of the property at fault, or None if there is no single one. `wrong` says what would be
    right, without the value.
    """

    def __init__(self, message: str, property: str | None = None, wrong: str = "") -> None:
        super().__init__(message)
        self.property = property
        self.wrong = wrong


class WriteError(OvaError):
    """The result could not be written: no room, a read-only place, a source that changed meanwhile."""


class ComposeError(OvaError):
    """A machine cannot become a package: its domain XML or a disk is not what it should be, or qemu-img is missing."""


class CaptureError(OvaError):
    """A machine cannot be captured: libvirt does not know it, refuses, or cannot be asked."""


class DeployError(OvaError):
    """A machine cannot be deployed: its files are not there, or something of another's is in its place."""


class DomainError(OvaError):
    """A package cannot become a libvirt domain: its hardware cannot be read, or libvirt has no place for it."""


class SeedError(OvaError):
    """A seed cannot be made: an impossible value, a task that a disc cannot hold, a missing package.

    `name` is the name of the wrong value, '' if there is none. `wrong` says what is wrong with it, without its text.
    """

    def __init__(self, message: str, name: str = "", wrong: str = "") -> None:
        super().__init__(message)
        self.name = name
        self.wrong = wrong
