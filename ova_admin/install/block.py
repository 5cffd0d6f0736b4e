"""The marked block at the end of the site's core.py, which loads our hooks beside the site's own. Pure: bytes in, out.

No byte before the block changes, so removing the block restores exactly the same file.
"""

from __future__ import annotations

from ova_admin.errors import AdminError

BEGIN = b"# >>> ova-tools >>>"
END = b"# <<< ova-tools <<<"
_NEW_LINE_ADDED = b" (and the line end before it)"

_TEXT = """\
{begin}{added} written by `ova-admin install`, taken out by `ova-admin uninstall`
# Keep it at the end: hooks that are defined below it would replace ours. With both, ours run first, then the site's.
{site}try:
    import os as _ova_os
    import sys as _ova_sys
    from _frozen_importlib_external import SourceFileLoader as _OvaLoader

    _ova_folder = _ova_os.path.realpath({current!r})  # one version for the agent's life
    _ova_core = _ova_os.path.join(_ova_folder, "core.py")  # it finds our packages, and leaves sys.path to the site
    exec(_OvaLoader("ova_core", _ova_core).get_code("ova_core"), {{"__name__": "ova_core", "__file__": _ova_core}})
    _ova_sys.path.append(_ova_os.path.join(_ova_folder, "packages"))
    from ova_rules import chain as _ova_chain

    _ova_chain.add(globals(), {etc!r})
except Exception as _ova_error:  # the site's own rules go on, but rule text stays closed to users: the gate is missing
    import json as _ova_json

    _ova_message = "the rules could not be loaded, run ova-admin check: %r" % (_ova_error,)
    _ova_fault = _ova_json.dumps({{"ova": "fault", "in": "core.py", "error": _ova_message}})

    def _ova_closed(theirs):
        def rule(rule_args, callback, rei):
            callback.writeLine("serverLog", _ova_fault)
            if int(rei.uoic.authInfo.authFlag) < 5 or int(rei.uoip.authInfo.authFlag) < 5:
                return -830000
            return theirs(rule_args, callback, rei) if theirs else 5000000

        return rule

    pep_api_exec_my_rule_pre = _ova_closed(globals().get("pep_api_exec_my_rule_pre"))
    pep_api_exec_rule_expression_pre = _ova_closed(globals().get("pep_api_exec_rule_expression_pre"))
{end}
"""

# The site's core.py was a link: it was moved beside this file, and runs in this module's namespace as if it were here.
_SITE = """\
from _frozen_importlib_external import SourceFileLoader as _OvaLoader

__file__ = {link!r}
exec(_OvaLoader("core", __file__).get_code("core"), globals())
"""


def add(site: bytes, current: str, etc: str, link: str | None = None) -> bytes:
    """The site's core.py with our block at its end (replaces an existing block).

    current: the folder of the installed version; etc: that of the settings; link: the path of the site's own code, if
    core.py was a symbolic link. Raises AdminError if the markers in `site` do not form a pair.
    """
    site = remove(site)
    added = b"" if not site or site.endswith(b"\n") else b"\n"
    text = _TEXT.format(
        begin=BEGIN.decode(),
        added=_NEW_LINE_ADDED.decode() if added else "",
        end=END.decode(),
        current=current,
        etc=etc,
        site=_SITE.format(link=link) if link else "",
    )
    return site + added + text.encode("utf-8")


def remove(core: bytes) -> bytes:
    """core.py without our block; unchanged if there is none. Raises AdminError if the markers do not form a pair."""
    begins, ends = core.count(BEGIN), core.count(END)
    if (begins, ends) == (0, 0):
        return core
    start, end = core.find(BEGIN), core.find(END)
    if (begins, ends) != (1, 1) or end < start:
        raise AdminError("core.py: the marks of the ova-tools block were changed; take the block out by hand")
    end += len(END)
    end += core[end : end + 1] == b"\n"
    if core[start + len(BEGIN) :].startswith(_NEW_LINE_ADDED) and core[:start].endswith(b"\n"):
        start -= 1
    return core[:start] + core[end:]


def is_in(core: bytes) -> bool:
    """Whether our block is present."""
    return BEGIN in core


def is_last(core: bytes) -> bool:
    """Whether only white space and comments follow our block."""
    rest = core.rpartition(END)[2]
    return all(not line.strip() or line.lstrip().startswith(b"#") for line in rest.splitlines())
