"""Which known name an unknown one was probably meant to be: one typing slip away, two in long names. Pure."""

from __future__ import annotations

from collections.abc import Iterable

_SHORTEST = 3  # to shorter names everything is near
_LONG = 9  # from this length on two slips are allowed
_LONGEST = 64
_MOST_NAMES = 1000  # that are looked at


def near(word: str, known: Iterable[str]) -> str | None:
    """The nearest of the known names, None if none is near or the word is one of them.

    A slip is an extra letter, a missing one, a wrong one, or two in the wrong order; in a name of three letters only
    the last one counts. Case does not count.
    """
    text = word.lower()
    if not _SHORTEST <= len(text) <= _LONGEST:
        return None
    most = 2 if len(text) >= _LONG else 1
    best: tuple[int, str] | None = None
    for number, name in enumerate(known):
        if name == word or number >= _MOST_NAMES:
            return None if name == word else (best[1] if best else None)
        if abs(len(name) - len(text)) <= most:
            slips = _slips(text, name.lower(), most)
            if len(text) == _SHORTEST and sorted(text) != sorted(name.lower()):
                continue
            if slips <= most and (best is None or (slips, name) < best):
                best = (slips, name)
    return best[1] if best else None


def _slips(one: str, other: str, most: int) -> int:
    """The number of slips between two words; some number above `most` if there are more than that."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        now = [i]
        for j, there in enumerate(other, 1):
            cost = min(last[j] + 1, now[j - 1] + 1, last[j - 1] + (letter != there))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == there:
                cost = min(cost, before[j - 2] + 1)
            now.append(cost)
        if min(now) > most:
            return most + 1
        before, last = last, now
    return last[-1]
