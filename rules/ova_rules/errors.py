"""What the rules raise on purpose: a component cannot be built, said in one line for its owner; or begin again.

Everything else that is raised is a fault of ours, goes to the server log and never reaches the user's command.
"""

from __future__ import annotations


class ComponentError(Exception):
    """The component's settings or source do not allow a build; str() is the line for `ova::message`.

    lasting: the same inputs will fail the same way for every user, so a read need not try again.
    """

    def __init__(self, message: str, *, lasting: bool = True) -> None:
        super().__init__(one_line(message))
        self.lasting = lasting


class HiddenError(ComponentError):
    """Something is not there, or this client may not see it: another client may be told something else."""

    def __init__(self, message: str) -> None:
        super().__init__(message, lasting=False)


class WaitingError(ComponentError):
    """The source is not in the repository yet: its download has to be queued."""

    def __init__(self, message: str) -> None:
        super().__init__(message, lasting=False)


class BehindError(ComponentError):
    """The source is the ready OVA of another component, which has to be built first.

    chain: the components to build, in this order; the last one is that whose ready OVA it is.
    """

    def __init__(self, message: str, chain: tuple[str, ...]) -> None:
        super().__init__(message, lasting=False)
        self.chain = chain

    @property
    def upstream(self) -> str:
        """The component whose ready OVA is the source."""
        return self.chain[-1]


class UnusableSettingsError(ComponentError):
    """The administrator's settings cannot be used; that is in the server log already."""

    def __init__(self, message: str) -> None:
        super().__init__(message, lasting=False)


class SaidError(Exception):
    """What went wrong is in the server log already. A job raises it so that iRODS tries again."""


class Changed(Exception):  # noqa: N818 - no error: the inputs moved under the build
    """The AVUs, the source or the ready OVA changed while a build ran; it begins again."""


def one_line(text: str, limit: int = 1000) -> str:
    """`text` without line breaks and control characters, at most `limit` bytes (iRODS reads 2700 of a value)."""
    cleaned = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(cleaned.encode()) <= limit:
        return cleaned
    end = "…"
    return cleaned.encode()[: limit - len(end.encode())].decode("utf-8", "ignore") + end
