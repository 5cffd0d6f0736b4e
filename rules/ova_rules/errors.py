"""The errors that the rules raise on purpose: a component cannot be built (one line for its owner), or begin again.

Any other exception is a fault of ours: it goes to the server log and never reaches the user's command.
"""

from __future__ import annotations


class ComponentError(Exception):
    """The component's settings or source do not allow a build; str() is the line for `ova::message`.

    lasting: the same inputs fail in the same way for every user, so a read need not try again.
    """

    def __init__(self, message: str, *, lasting: bool = True) -> None:
        super().__init__(one_line(message))
        self.lasting = lasting


class HiddenError(ComponentError):
    """Something does not exist, or this client may not see it. Another client may get another message."""

    def __init__(self, message: str) -> None:
        super().__init__(message, lasting=False)


class WaitingError(ComponentError):
    """The source is not in the repository yet: its download has to be queued."""

    def __init__(self, message: str) -> None:
        super().__init__(message, lasting=False)


class OutdatedError(WaitingError):
    """The source has a version that was not brought yet, so nothing made from the one before is up to date."""


class BehindError(ComponentError):
    """The source is the ready OVA of another component, which has to be built first.

    chain: the components to build, in this order; the last one's ready OVA is the source.
    """

    def __init__(self, message: str, chain: tuple[str, ...]) -> None:
        super().__init__(message, lasting=False)
        self.chain = chain

    @property
    def upstream(self) -> str:
        """The component whose ready OVA is the source."""
        return self.chain[-1]


class UnusableSettingsError(ComponentError):
    """The administrator's settings cannot be used. The server log already says so."""

    def __init__(self, message: str) -> None:
        super().__init__(message, lasting=False)


class BusyError(ComponentError):
    """Another agent is building the component; str() says so."""


class AwayError(ComponentError):
    """Another server of the zone does not answer, or cannot do what it was asked.

    host: which one. bare: it runs without these rules.
    """

    def __init__(self, message: str, host: str, *, bare: bool = False) -> None:
        super().__init__(message, lasting=False)
        self.host, self.bare = host, bare


class NotJoinedError(ComponentError):
    """This server has no catalog, and was not given the zone's key."""

    def __init__(self) -> None:
        text = "this server has not got the zone's key; an administrator has to run ova-admin join"
        super().__init__(text, lasting=False)


class SealError(ComponentError):
    """A request of another server is not sealed as it must be; str() says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message, lasting=False)


class TooMuchError(Exception):
    """A build would read and copy more than a hook should; str() says what. The delay queue does it."""


class SaidError(Exception):
    """The error is in the server log already. A job raises this so that iRODS tries again."""


class Changed(Exception):  # noqa: N818 - no error: the inputs moved under the build
    """The AVUs, the source or the ready OVA changed while a build ran; it begins again."""


def one_line(text: str, limit: int = 1000) -> str:
    """`text` without line breaks and control characters, at most `limit` bytes (iRODS reads 2700 of a value)."""
    cleaned = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(cleaned.encode()) <= limit:
        return cleaned
    end = "…"
    return cleaned.encode()[: limit - len(end.encode())].decode("utf-8", "ignore") + end
