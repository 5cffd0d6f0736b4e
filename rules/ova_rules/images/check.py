"""A queued job checks images once per version: archive, descriptor, every digest, and the certificate if there is one.

The results are AVUs of the data object: `ova::package` and one `ova::property` for each settable property. They are
facts only: a wrong image harms nobody, and its components say why they cannot be built. Any user who may write a data
object can forge its AVUs (`imeta cp`, `iput --metadata`), so `ova::package` carries the version it is about and a
signature.
"""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Sequence

from ova_rules import jobs, names
from ova_rules.catalog.types import ObjectAvu
from ova_rules.catalog.writes import Catalog
from ova_rules.component.fingerprint import source_state
from ova_rules.component.source import Source, source_at
from ova_rules.component.tree import above
from ova_rules.errors import BusyError, Changed, one_line
from ova_rules.faults import report
from ova_rules.images import usage
from ova_rules.locks import locked
from ova_rules.record.signing import is_same, signer_of
from ova_rules.settings import Settings
from ova_rules.state import is_known_ready
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_tools.package import Package, Property

VALID = "valid"
_FACTS = (names.PACKAGE, names.PROPERTY)

# Bytes that iRODS can read back: of the units of an AVU, and of a value (for which it could read more).
_UNITS = 250
_VALUE = 2000
_MOST_PROPERTIES = 500  # an image may define any number of them, but the catalog must stay small


@dataclass(frozen=True)
class Verdict:
    """The result of a check: `valid` or the reason in one line, and the properties that AVUs can set."""

    text: str
    properties: tuple[ObjectAvu, ...] = ()


# ---- events ----------------------------------------------------------------------------------------------------------


def on_written(catalog: Catalog, settings: Settings, path: str) -> None:
    """Queues a check if an image, whose name ends in .ova, was written, registered or renamed to `path`.

    An image lies below a collection with `ova_images`, or is the source of a component. Other objects cost at most one
    query.
    """
    if names.in_trash(path) or _is_ready_ova(settings, path):
        return
    in_use = bool(usage.users_of(settings.state_directory, path))
    if in_use or catalog.having(above(posixpath.dirname(path)), names.IMAGES):
        jobs.queue(catalog, settings, jobs.CHECK, path, running=True)  # a running one may already have read the image


def _is_ready_ova(settings: Settings, path: str) -> bool:
    return names.component_of(path) is not None and is_known_ready(settings.state_directory, path)


# ---- the job ---------------------------------------------------------------------------------------------------------


def run_check(catalog: Catalog, settings: Settings, path: str) -> None:
    """Checks the image at `path`, or all images at or below it if it is a collection with `ova_images`.

    Does nothing for versions that are checked already, or if the client could not write the facts. Raises
    BusyError while another job checks the same image, so that iRODS tries again.
    """
    if catalog.replicas(path):
        check_one(catalog, settings, path)
        return
    if path not in catalog.having([path], names.IMAGES):
        return
    busy: BusyError | None = None
    for image in catalog.packages_below(path):
        try:
            if not _is_ready_ova(settings, image):
                check_one(catalog, settings, image)
        except BusyError as error:
            busy = error
        except Exception as error:  # a fault in one image stops no other
            report(catalog.log, f"check of {image}", error)
    if busy is not None:
        raise busy


def check_one(catalog: Catalog, settings: Settings, path: str) -> None:
    """Checks one image, as `run_check`."""
    if not (catalog.may_read(path) and catalog.may_annotate_object(path)):
        return
    source = image_at(catalog, settings, path)
    if source is not None and source.host:
        from ova_rules.servers.asking import ask

        ask(catalog, settings, source.host, "check", path=path)
        return
    with locked(settings.state_directory, path, settings.gate_wait):
        source = image_at(catalog, settings, path)
        if source is None:  # being written, or no server has its file
            return
        present = catalog.object_avus(path, _FACTS)
        if _signed_fact(settings, present, source.state) is not None:
            return
        start = time.monotonic()
        try:
            verdict = _examined(catalog, settings, source)
        except Changed:  # the change causes another check
            return
        _note(catalog, settings, source, present, verdict)
        catalog.journal(
            "image", path=path, done=f"checked: {verdict.text}", ms=round(1000 * (time.monotonic() - start))
        )


def note_unchecked(catalog: Catalog, settings: Settings, path: str, message: str) -> None:
    """Notes on an image why it is not checked."""
    source = image_at(catalog, settings, path)
    if source is not None and catalog.may_annotate_object(path):
        _note(catalog, settings, source, catalog.object_avus(path, _FACTS), Verdict(one_line(message, _VALUE)))


def image_at(catalog: Catalog, settings: Settings, path: str) -> Source | None:
    """The image as it lies in a vault, at rest; None if no server has it so."""
    return source_at(path, catalog.replicas(path), settings)


def _examined(catalog: Catalog, settings: Settings, source: Source) -> Verdict:
    """Reads the whole image. Raises Changed if it is not, or no longer, the version that `source` names."""
    from ova_tools.errors import OvaError
    from ova_tools.package import read_archive
    from ova_tools.verify import verify_members

    file = source.replica.vault_path
    try:
        with read_archive(file) as package:
            _require_state(source, os.fstat(package.fileno()))
            try:
                verify_members(package, jobs.Deadline(settings))
                verdict = _verdict(catalog, settings, source, package)
            finally:
                _require_state(source, os.fstat(package.fileno()))
            return verdict
    except OvaError as error:
        try:
            _require_state(source, os.stat(file))
        except OSError:
            raise Changed from error
        return Verdict(one_line(source.named_in(str(error)), _VALUE))


def _require_state(source: Source, file: os.stat_result) -> None:
    if source_state(source.replica, file) != source.state:
        raise Changed


def _verdict(catalog: Catalog, settings: Settings, source: Source, package: Package) -> Verdict:
    """The verdict on a package whose digests are right. Raises OvaError if its certificate is wrong."""
    from importlib.util import find_spec

    if package.certificate is not None:
        if find_spec("cryptography") is not None:
            from ova_tools.certificate import verify_certificate

            verify_certificate(package.certificate, package.manifest)
        else:
            catalog.log(f"{source.path}: its certificate is not checked, this Python has no package cryptography")
    return Verdict(VALID, _settable(package.properties, settings))


def _settable(properties: Sequence[Property], settings: Settings) -> tuple[ObjectAvu, ...]:
    """One fact for each property that an AVU can set: the name to use, its type and default."""
    from ova_rules.component.matching import choices

    free = [each for each in properties if each.user_configurable or settings.fixed_properties == "allow"]
    shown = dict.fromkeys(
        ObjectAvu(names.PROPERTY, one_line(name, _VALUE), one_line(f"{each.type} {_default(each)}", _UNITS))
        for name, each in zip(choices(free), free[:_MOST_PROPERTIES])
    )
    if len(free) > _MOST_PROPERTIES:
        shown[ObjectAvu(names.PROPERTY, f"… and {len(free) - _MOST_PROPERTIES} more")] = None
    return tuple(shown)


def _default(prop: Property) -> str:
    return "(password)" if prop.password else prop.value


# ---- facts -----------------------------------------------------------------------------------------------------------


def known_valid(catalog: Catalog, settings: Settings, source: Source) -> bool:
    """Whether this very version of a source was checked and found valid: it need not be hashed again. One query."""
    fact = _signed_fact(settings, catalog.object_avus(source.path, _FACTS), source.state)
    return fact is not None and fact.value == VALID


def note_checked(catalog: Catalog, settings: Settings, source: Source, package: Package) -> None:
    """Writes the facts of a check after a builder verified the digests of `package`, opened from `source`.

    Does nothing if the facts exist, if another agent is about to write them, or if the client may not write them.
    """
    from ova_tools.errors import OvaError

    if not catalog.may_annotate_object(source.path):
        return
    try:
        with locked(settings.state_directory, source.path, 0):
            present = catalog.object_avus(source.path, _FACTS)
            if _signed_fact(settings, present, source.state) is not None:
                return
            try:
                verdict = _verdict(catalog, settings, source, package)
            except OvaError as error:
                verdict = Verdict(one_line(source.named_in(str(error)), _VALUE))
            _note(catalog, settings, source, present, verdict)
    except BusyError:
        return  # a check is under way


def _signed_fact(settings: Settings, avus: Sequence[ObjectAvu], state: str) -> ObjectAvu | None:
    """The server's own fact about this version, or None."""
    for avu in avus:
        if avu.attribute == names.PACKAGE:
            about, _, signature = avu.units.partition(" ")
            if about == state and is_same(signature, signer_of(settings).of_package(state, avu.value)):
                return avu
    return None


def _note(catalog: Catalog, settings: Settings, source: Source, present: Sequence[ObjectAvu], verdict: Verdict) -> None:
    signature = signer_of(settings).of_package(source.state, verdict.text)
    wanted = {ObjectAvu(names.PACKAGE, verdict.text, f"{source.state} {signature}"), *verdict.properties}
    old = set(present)
    catalog.change_object_avus(source.path, sorted(old - wanted), sorted(wanted - old))
