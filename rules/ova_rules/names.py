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
FORMS = "ova_forms"
NETWORKS = "ova_networks"
CAPTURE = "ova_capture"

OF_COLLECTIONS = (
    URL, LIKE, IMAGES, RESTORE, REFRESH, OPTIONS, CONFIGURATION, IGNORE, FORMS, NETWORKS, CAPTURE,
)  # fmt: skip
OF_OBJECTS = (RELEASE,)

# Facts of a component.

STATUS = "ova::status"
MESSAGE = "ova::message"
FINGERPRINT = "ova::fingerprint"
BUILT = "ova::built"
BUILD = "ova::build"
BUILD_FORMS = "ova::build_forms"
UNMATCHED = "ova::unmatched"
NOTE = "ova::note"
SET = "ova::set"
SOURCE = "ova::source"
INHERITED = "ova::inherited"
DEPENDS = "ova::depends_on"
SET_BY = "ova::set_by"
PROGRESS = "ova::progress"
TASKS = "ova::tasks"
FORM = "ova::form"
MAC = "ova::mac"
HISTORY = "ova::history"
HISTORY_VALUES = "ova::history_values"

# Of a collection with a captured machine: what its image was made from, and which it is.
CAPTURED = "ova::captured"

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

CAPTURED_ENDINGS = (".xml", ".qcow2", ".raw", ".img", ".vmdk")  # of a domain XML and of disks

TASK_COLLECTIONS = ("install", "config", "reset")
TEXTS = "config"  # the collection with the texts that values take

OVA_ENDING = ".ova"
SEED_ENDING = ".iso"
DISK_ENDING = ".qcow2"
DOMAIN_ENDING = ".xml"  # of libvirt
USER_DATA_ENDING = ".user-data"  # for OpenStack
IMAGE_ENDING = ".image.json"  # for OpenStack
COMMANDS_ENDING = ".qm"  # for Proxmox
# Behind a component's name, or behind NAME-…, what the server makes beside the ready OVA.
FORM_ENDINGS = (SEED_ENDING, DISK_ENDING, DOMAIN_ENDING, USER_DATA_ENDING, IMAGE_ENDING, COMMANDS_ENDING)


def is_fact(attribute: str) -> bool:
    """Whether only the server may write this attribute."""
    return attribute.startswith(FACT_PREFIX)


def is_value(attribute: str) -> bool:
    """Whether an AVU of this attribute may set a property (controls and facts do not)."""
    return not attribute.startswith((CONTROL_PREFIX, FACT_PREFIX))


def is_unknown_control(attribute: str) -> bool:
    """Whether an attribute looks like a control and is none: most likely a typing error."""
    return attribute.startswith(CONTROL_PREFIX) and attribute not in OF_COLLECTIONS


def looks_like_package(path: str) -> bool:
    """Whether a path can be a source or a ready OVA at all: it ends in .ova, in any case."""
    return path.rstrip("/")[-4:].lower() == ".ova"


def may_be_taken(path: str) -> bool:
    """Whether the data object at `path` may be a task, or the text of a value (`${<config/NAME}`)."""
    return any(f"/{name}/" in path for name in TASK_COLLECTIONS)


def may_be_captured(path: str) -> bool:
    """Whether the data object at `path` may be a part of a captured machine, by its name."""
    return path.endswith(CAPTURED_ENDINGS)


def component_of(path: str) -> "str | None":
    """The collection whose ready OVA, or a form beside it, `path` would be, or None.

    `…/NAME/NAME.ova`, `…/NAME/NAME.iso` and `…/NAME/NAME-SYSTEM.iso` give `…/NAME`, and so with each ending of a form.
    """
    collection, _, name = path.rstrip("/").rpartition("/")  # the server removes such slashes after the hooks
    own = collection.rpartition("/")[2]
    if own == "" or not name.startswith(own):
        return None
    rest = name[len(own) :]
    if rest == OVA_ENDING or rest in FORM_ENDINGS or (rest[:1] == "-" and rest.endswith(FORM_ENDINGS)):
        return collection
    return None


def is_form(path: str) -> bool:
    """Whether what `component_of` takes for one of the server's would be a form. Users may have files of such names."""
    return path.rstrip("/")[-4:] != OVA_ENDING


def ready_path(component: str) -> str:
    """Where the ready OVA of a component lies: `COMPONENT/NAME.ova`."""
    return f"{component}/{component.rpartition('/')[2]}.ova"


def in_trash(path: str) -> bool:
    """Whether a path lies in a zone's trash, where nothing is built."""
    return path.split("/", 3)[2:3] == ["trash"]
