"""One line, ``autotrack.autolog()``, and every model trained afterwards leaves a complete record.

The names are MLflow's, so ``import autotrack as mlflow`` runs code written for it. Nothing is loaded until it is
used: the public functions come from :mod:`autotrack.fluent`, and ``autotrack.<framework>`` from its integration.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # a type checker takes it for true; typing itself would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any

    from autotrack._frameworks import *  # noqa: F403 - written by the build, one name per integration folder
    from autotrack.fluent import *  # noqa: F403 - one list of public names, `fluent.__all__`

__version__ = "0.1.0"

_HERE = __file__.rpartition("/")[0] or __file__.rpartition("\\")[0]


def __getattr__(name: str) -> Any:
    # Our own modules first: `from autotrack import guard` asks here before the import system looks for a file.
    if not name.startswith("__") and not _is_module(name):
        from autotrack import fluent  # all that the functions need; `import autotrack` itself loads nothing

        if name in fluent.__all__:
            # All at once: when the interpreter ends and finalizers have their last words, nothing can be looked up.
            globals().update({public: value for public, value in vars(fluent).items() if public in fluent.__all__})
            return getattr(fluent, name)
    full = f"autotrack.{name}"
    try:
        __import__(full)
    except ModuleNotFoundError as error:
        if error.name != full:
            raise
        raise AttributeError(f"module 'autotrack' has no attribute {name!r}") from None
    return sys.modules[full]


def _is_module(name: str) -> bool:
    # The finder that reads directories; to import it by its name would load more than this package.
    return any(
        finder.find_spec(f"autotrack.{name}", [_HERE]) is not None
        for finder in sys.meta_path
        if getattr(finder, "__name__", "") == "PathFinder"
    )


def __dir__() -> list[str]:
    from autotrack import fluent  # as above

    return sorted({*globals(), *fluent.__all__})


class _Doors:
    """Finds ``autotrack.<framework>`` in the installed integrations, after all real modules were asked."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG004 - the import system's signature
        if name.startswith("autotrack.") and name.count(".") == 1:
            from autotrack._doors import find  # loaded when a name that is no module of ours is asked for

            return find(name)
        return None


sys.meta_path.append(_Doors)
