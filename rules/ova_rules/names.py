"""The words of the product as strings: attribute names, and the tests on paths that the hooks make first.

Imported in every agent: no imports, no work, only string comparison.
"""

CONTROL_PREFIX = "ova_"
FACT_PREFIX = "ova::"

# Controls.
URL = "ova_url"
LIKE = "ova_like"
IMAGES = "ova_images"
RESTORE = "ova_restore"
REFRESH = "ova_refresh"
RELEASE = "ova_release"
OPTIONS = "ova_options"
CONFIGURATION = "ova_configuration"
IGNORE = "ova_ignore"

OF_COLLECTIONS = (URL, LIKE, IMAGES, RESTORE, REFRESH, OPTIONS, CONFIGURATION, IGNORE)
OF_OBJECTS = (RELEASE,)

# Facts of a component.

STATUS = "ova::status"
MESSAGE = "ova::message"
FINGERPRINT = "ova::fingerprint"
BUILT = "ova::built"
BUILD = "ova::build"
UNMATCHED = "ova::unmatched"
NOTE = "ova::note"
SET = "ova::set"
SOURCE = "ova::source"
INHERITED = "ova::inherited"
DEPENDS = "ova::depends_on"
SET_BY = "ova::set_by"
PROGRESS = "ova::progress"
TASKS = "ova::tasks"
HISTORY = "ova::history"
HISTORY_VALUES = "ova::history_values"

# Facts of an image, a data object.
PACKAGE = "ova::package"
PROPERTY = "ova::property"
USED_BY = "ova::used_by"
RELEASED_BY = "ova::released_by"
FETCHED_FROM = "ova::fetched_from"
FETCHED_VERSION = "ova::fetched_version"

READY = "ready"
QUEUED = "queued"
BUILDING = "building"
FAILED = "failed"

TASK_COLLECTIONS = ("install", "config", "reset")
TEXTS = "config"  # the collection of the texts that values take


def is_fact(attribute: str) -> bool:
    """Whether only the server may write this attribute."""
    return attribute.startswith(FACT_PREFIX)


def is_value(attribute: str) -> bool:
    """Whether an AVU of this attribute may set a property (controls and facts do not)."""
    return not attribute.startswith((CONTROL_PREFIX, FACT_PREFIX))


def is_unknown_control(attribute: str) -> bool:
    """Whether an attribute looks like a control and is none: a typing error, most likely."""
    return attribute.startswith(CONTROL_PREFIX) and attribute not in OF_COLLECTIONS


def looks_like_package(path: str) -> bool:
    """Whether a path can be a source or a ready OVA at all: it ends in .ova, in any case."""
    return path.rstrip("/")[-4:].lower() == ".ova"


def may_be_text(path: str) -> bool:
    """Whether a value may take the text of the data object at `path` (`${<config/NAME}`)."""
    return f"/{TEXTS}/" in path


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


def in_trash(path: str) -> bool:
    """Whether a path lies in a zone's trash, where nothing is built."""
    return path.split("/", 3)[2:3] == ["trash"]
