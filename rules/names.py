"""The words of the product as strings: attribute names, and the tests on paths that the hooks make first.

Imported in every agent: no imports, no work, only string comparison.
"""

CONTROL_PREFIX = "ova_"
FACT_PREFIX = "ova::"

URL = "ova_url"

STATUS = "ova::status"
MESSAGE = "ova::message"
FINGERPRINT = "ova::fingerprint"
BUILT = "ova::built"
UNMATCHED = "ova::unmatched"
SOURCE = "ova::source"
VERIFIED = "ova::verified"
INHERITED = "ova::inherited"
DEPENDS = "ova::depends"
SET_BY = "ova::set_by"

READY = "ready"
QUEUED = "queued"
FAILED = "failed"


def is_fact(attribute: str) -> bool:
    """Whether only the server may write this attribute."""
    return attribute.startswith(FACT_PREFIX)


def is_value(attribute: str) -> bool:
    """Whether an AVU of this attribute may set a property (controls and facts do not)."""
    return not attribute.startswith((CONTROL_PREFIX, FACT_PREFIX))


def looks_like_package(path: str) -> bool:
    """Whether a path can be a source or a ready OVA at all: it ends in .ova, in any case."""
    return path.rstrip("/")[-4:].lower() == ".ova"


def component_of(path: str) -> "str | None":
    """The collection whose ready OVA `path` would be (`…/NAME/NAME.ova` gives `…/NAME`), or None."""
    path = path.rstrip("/")  # the server takes them off after the hooks
    if path[-4:] != ".ova":
        return None
    collection, _, name = path.rpartition("/")
    return collection if collection.rpartition("/")[2] == name[:-4] != "" else None


def ready_path(component: str) -> str:
    """Where the ready OVA of a component lies: `COMPONENT/NAME.ova`."""
    return f"{component}/{component.rpartition('/')[2]}.ova"
