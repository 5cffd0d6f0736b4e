"""Finds the manifest and the certificate of a descriptor, whatever their names.

The right one has the descriptor's base name (DSP0243 5.1). In packages that went through other systems its name has
another case, or is another one. Must never choose between two, and must never take a manifest beside a plain .ovf that
is about another .ovf: a folder may hold several packages. Never used on files beside an .ova.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from .errors import ManifestError, PackageError
from .limits import MAX_FOLDER, MAX_FOLDER_DEPTH, MAX_OTHER_MANIFESTS
from .manifest import parse_manifest
from .member_names import MemberNames, folded
from .notes import Note, NoteKind, note
from .records import dataclass

MANIFEST, CERTIFICATE = ".mf", ".cert"


@dataclass(frozen=True)
class Companions:
    """The names of the manifest and the certificate, None for what the package lacks, and notes about them."""

    manifest: str | None
    certificate: str | None
    notes: tuple[Note, ...] = ()


def right_name(descriptor: str, suffix: str) -> str:
    """Return the name that DSP0243 5.1 gives to the file with `suffix` beside `descriptor`."""
    stem, dot, _ = descriptor.rpartition(".")
    return (stem if dot and "/" not in descriptor[len(stem) :] else descriptor) + suffix


def in_archive(descriptor: str, names: MemberNames, members: Iterable[str]) -> Companions:
    """Find them among the `members` of an .ova, with their `names`: by name, else the only file of its kind."""
    members = tuple(members)

    def find(suffix: str) -> str | None:
        right = right_name(descriptor, suffix)
        found = names.alike(right) or tuple(each for each in members if _has_suffix(each, suffix))
        if len(found) > 1:
            several = ", ".join(found[:5])
            raise PackageError(f"{len(found)} members end with {suffix}: {several}; {right} would be right")
        return found[0] if found else None

    return _noted(descriptor, find(MANIFEST), find(CERTIFICATE))


def beside(descriptor: str, names: MemberNames, files: Iterable[str], load: Callable[[str], bytes]) -> Companions:
    """Find them among the `files` of a plain .ovf's folder, with their `names`.

    A manifest that is not found by name is the one that lists the descriptor; `load` reads it. Raises PackageError if
    several could be meant, or if the folder holds too many to look at.
    """
    notes: list[Note] = []

    def only(found: tuple[str, ...], right: str) -> str | None:
        if len(found) > 1:
            raise PackageError(f"{' and '.join(found[:5])} beside {descriptor} may be meant; {right} would be right")
        return found[0] if found else None

    right = right_name(descriptor, MANIFEST)
    manifest = only(names.alike(right), right)
    if manifest is None:
        others = sorted(each for each in files if _has_suffix(each, MANIFEST))
        if len(others) > MAX_OTHER_MANIFESTS:
            raise PackageError(f"more than {MAX_OTHER_MANIFESTS} manifests beside {descriptor}; {right} would be right")
        manifest = only(tuple(each for each in others if _lists(each, descriptor, load, notes)), right)
    certificate = only(names.alike(right_name(descriptor, CERTIFICATE)), right_name(descriptor, CERTIFICATE))
    if certificate is None and manifest is not None:
        certificate = only(names.alike(right_name(manifest, CERTIFICATE)), right_name(descriptor, CERTIFICATE))
    return _noted(descriptor, manifest, certificate, notes)


def files_beside(directory: str, wanted: Iterable[str] = ()) -> list[str]:
    """List, sorted, the regular files in `directory` and in the folders below it to which `wanted` names lead.

    Names are relative to `directory`; folders match by name in any normalisation and case. Wanted files are found even
    in a folder that cannot be listed. Raises PackageError if there are more files than any package needs.
    """
    from pathlib import Path

    wanted = tuple(wanted)
    folders = {folded(name[:end]) for name in wanted for end in _slashes(name)}
    found = dict.fromkeys(name for name in wanted if _is((Path(directory) / name).is_file))
    count, waiting = 0, [""]
    while waiting:
        folder = waiting.pop()
        try:
            entries = os.scandir(Path(directory) / folder)
        except OSError:
            continue  # wanted files that can be opened are still found
        with entries:
            for entry in entries:
                count += 1
                if count > MAX_FOLDER:
                    raise PackageError(f"more than {MAX_FOLDER} files beside it; a folder of its own is right")
                name = f"{folder}{entry.name}"
                if _is(entry.is_file):
                    found[name] = None
                elif folders and folded(name) in folders and _is(entry.is_dir):
                    waiting.append(f"{name}/")
    return sorted(found)


def _slashes(name: str) -> list[int]:
    return [place for place, char in enumerate(name) if char == "/"][:MAX_FOLDER_DEPTH]


def _is(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except (OSError, ValueError):
        return False  # a name that no file system can hold, a circular link, or removed meanwhile


def _has_suffix(name: str, suffix: str) -> bool:
    # "._x.mf" is what macOS tar stores beside x.mf for the Finder.
    return name.lower().endswith(suffix) and not name.rpartition("/")[2].startswith("._")


def _lists(name: str, descriptor: str, load: Callable[[str], bytes], notes: list[Note]) -> bool:
    try:
        lines = parse_manifest(name, load(name)).lines
    except (PackageError, ManifestError) as error:
        text = f"nobody knows whether {name} lists {descriptor}: {error}"
        notes.append(note(NoteKind.COMPANION_NAME, text))
        return False
    return any(folded(line.name) == folded(descriptor) for line in lines if line.algorithm)


def _noted(descriptor: str, manifest: str | None, certificate: str | None, notes: Iterable[Note] = ()) -> Companions:
    said = list(notes)
    for what, name, suffix in (("manifest", manifest, MANIFEST), ("certificate", certificate, CERTIFICATE)):
        right = right_name(descriptor, suffix)
        if name not in (None, right):
            said.append(note(NoteKind.COMPANION_NAME, f"the {what} is {name}; {right} would be right (DSP0243 5.1)"))
    return Companions(manifest, certificate, tuple(said))
