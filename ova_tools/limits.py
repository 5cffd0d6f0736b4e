"""How much of anything is read: every limit of ova_tools, in one place.

Each is far above what a real package has, and low enough that a hostile file costs little. Below the limits time and
memory grow only linearly with the input's length (tests/ova_tools/test_bounds.py). Must never hold anything else.
"""

MAX_DESCRIPTOR_BYTES = 16 << 20
MAX_ELEMENTS = 100_000  # also the limit of properties, references, configurations and systems
MAX_ATTRIBUTES = 500_000
MAX_ATTRIBUTES_OF_ONE = 50_000  # of one element; a Property has ten
MAX_DEPTH = 200
# Characters of texts that are written once and repeated for many items: long ones would make a short file long.
MAX_NAME = 256  # a namespace, a system's id, a section's class or instance
MAX_CATEGORY = 1_000

MAX_HEADERS = 20_000  # of a tar archive; also the limit of members
MAX_MEMBER_NAME = 1_024  # bytes; names in references and the manifest are relative to the descriptor's folder
MAX_FOLDED_NAME = 255  # characters of a name that is also looked for in another normalisation or case
MAX_EXTENSION = 1 << 20  # bytes of one long-name or pax record
MAX_EXTENSIONS = 16 << 20  # bytes of all of them
MAX_TAIL = 16 << 20  # bytes of zeros after the last member; record padding is at most a few of GNU tar's records
MAX_PADDING = MAX_TAIL - (1 << 20)  # that an edit may add, so that its result can be read

MAX_MANIFEST_BYTES = 4 << 20
MAX_MANIFEST_LINES = 100_000
MAX_FOLDER = 100_000  # files beside a plain .ovf
MAX_FOLDER_DEPTH = 16  # of folders below it whose names may be spelt differently
MAX_OTHER_MANIFESTS = 1_000  # of them, how many are read to see whether they are about the .ovf
MAX_CERTIFICATE_BYTES = 1 << 20
MAX_BEFORE_PEM = 1 << 14  # bytes before the first PEM block of a certificate file

MAX_QUALIFIERS = 1 << 18  # characters; a map of all time zones has 13,000
MAX_VALUE_FILE = 256 << 10  # bytes of a file that is the value of a property
