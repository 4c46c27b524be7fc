"""What program this is: its name, its project, its source and who runs it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from autotrack import settings
from autotrack.capture.code import commit
from autotrack.capture.launchers import launchers

REPEATED, REPEATED_TAG = "AUTOTRACK_REPRODUCES", "autotrack.reproduces"
"""The variable that names the run that a program repeats, and the tag of what it records."""


def project_name() -> str:
    """The name of the directory that the project's store belongs to."""
    return settings.default_store().parent.name or "Default"


def script_name() -> str:
    """What the program is called: its script or module, "notebook" or "interactive" where there is none."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name != "__main__":
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    if file:
        return Path(file).stem
    return "notebook" if "ipykernel" in sys.modules else "interactive"


def source_tags() -> dict[str, str]:
    """Who runs which program, under MLflow's names; and which run it repeats, where whoever started it says so."""
    repeated = os.environ.get(REPEATED)
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    notebook = file is None and "ipykernel" in sys.modules
    return {
        "mlflow.user": user(),
        # Jupyter's server tells its kernels in this variable which notebook they serve.
        "mlflow.source.name": file or (os.environ.get("JPY_SESSION_NAME", "notebook") if notebook else sys.executable),
        "mlflow.source.type": "NOTEBOOK" if notebook else "LOCAL",
        **_commit(file),
        **launchers(os.environ),
        **({REPEATED_TAG: repeated} if repeated else {}),
    }


def _commit(file: str | None) -> dict[str, str]:
    try:
        return commit(str(Path(file).absolute().parent) if file else os.getcwd())  # noqa: PTH109 - a text is wanted
    except OSError:  # the working directory is gone
        return {}


def user() -> str:
    """Who runs the program; empty where that cannot be known."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        if os.environ.get(variable):
            return os.environ[variable]
    try:
        import pwd  # not on every system, and only asked where the environment does not say

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError, AttributeError):
        return ""
