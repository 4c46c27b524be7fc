"""Run by every Python process below ``autotrack run`` at its start: switches recording on, then stands aside.

Any interpreter may come by here, also an old one or one of another environment, so the syntax is plain and a
process that does not have this very autotrack is left as it was. A ``sitecustomize`` that the process would
have had without us is run in our place; where there is none, the import fails as it would have.
"""
# ruff: noqa: INP001, PTH100, PTH118, PTH120, UP031 - no package; what an old interpreter knows, and cheap

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
_package = os.path.dirname(os.path.dirname(_here))


def _is_ours():
    # type: () -> bool
    for finder in sys.meta_path:
        spec = finder.find_spec("autotrack", None) if hasattr(finder, "find_spec") else None
        if spec is not None:
            ours = os.path.join(_package, "__init__.py")
            return os.path.realpath(spec.origin or "") == os.path.realpath(ours)
    return False


sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _here]
sys.path_importer_cache.pop(_here, None)
try:
    del sys.modules["sitecustomize"]
    __import__("sitecustomize")  # the one that we stand in front of, or the ImportError that `site` expects
finally:
    try:
        if _is_ours():
            from autotrack.cli import child

            child.activate()
    except Exception as error:  # noqa: BLE001 - the program starts whatever happens here
        sys.stderr.write("autotrack: not switched on in process %d: %r\n" % (os.getpid(), error))
