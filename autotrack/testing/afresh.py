"""The part of the contract that needs a program of its own."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

from autotrack.testing.program import fresh, reset
from autotrack.testing.sameness import digest
from autotrack.testing.subject import Subject, load

_BEFORE = """
import json, sys
from importlib import import_module
from pathlib import Path
packages, module, workload = sys.argv[1:]
import autotrack
integrations = [import_module(package).INTEGRATION for package in packages.split()]
early = module in sys.modules
from autotrack.testing.recorded import recording
from autotrack.testing.sameness import digest, seed
from autotrack.testing.subject import Trial, load
with recording() as record:
    for integration in integrations:
        integration.switch()
    still = module in sys.modules
    program = load(Path(workload)).workload
    seed(0)
    trial = Trial(program())
    record.finish()
    trial.runs = record.runs
    found = digest([trial.result])
print(json.dumps({"early": early or still, "result": found, "outlines": repr(trial.outlines)}))
"""

_WITHOUT = """
import json, os, sys, threading
from pathlib import Path
package, module, workload, data = sys.argv[1:]
away = ("autotrack", "wrapt", package)
for name in away:
    sys.modules[name] = None
import pickle
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location(f"workload_{Path(workload).stem}", workload)
programs = sys.modules[spec.name] = module_from_spec(spec)
spec.loader.exec_module(programs)
loaded = len(pickle.loads(Path(data).read_bytes()))

for name in away:
    del sys.modules[name]
threads, opened = {thread.name for thread in threading.enumerate()}, []
def audit(event, given):
    if event == "socket.gethostname":
        return  # it opens nothing
    if event.startswith("socket.") or event == "open" and isinstance(given[1], str) and set(given[1]) & set("wax+"):
        opened.append([event, str(given[0])])
from importlib import import_module
integration = import_module(package).INTEGRATION
from autotrack import _loader, current
_loader.autolog({})
integration.autolog()
programs.workload()
current.start("mine").metric("loss", 1)
sys.addaudithook(audit)
_loader.autolog({})
integration.autolog()
result = programs.workload()
with current.start("mine") as run:
    run.metric("loss", 1)
    run.params({"a": 1})
    run.text("text", "file.txt")
print(json.dumps({
    "loaded": loaded,
    "patched": "autotrack._patch" in sys.modules,
    "threads": sorted(t.name for t in threading.enumerate() if t.name not in threads and "autotrack" in t.name),
    "opened": [one for one in opened if "autotrack" in one[1] or one[1].startswith(os.getcwd())],
    "sockets": [one for one in opened if one[0].startswith("socket.")],
    "files": sorted(os.listdir(".")),
}))
"""

_SHADOW = """
import sys
from importlib import import_module
package, module = sys.argv[1:]
integration = import_module(package).INTEGRATION
integration.switch()
found = import_module(module)
print(found.__file__)
"""


class Afresh(Subject):
    """A program that starts, in whatever order, with whatever installed, is a program that works."""

    def test_switched_on_before_the_framework_is_imported(self, tmp_path: Path) -> None:
        """The framework is imported by the program, not by us; then all is recorded as if it had come first."""
        arguments = (" ".join((*self.also, self.package)), self.module, str(self.workload))
        told = json.loads(fresh(_BEFORE, *arguments, directory=tmp_path, environ={"AUTOTRACK_STRICT": "1"}))
        assert not told["early"]
        assert told["result"] == digest(self.plain().result)
        assert told["outlines"] == repr(self.recorded().outlines)

    def test_an_empty_module_of_the_frameworks_name_does_no_harm(self, tmp_path: Path) -> None:
        """A folder of that name on the path is imported as what it is."""
        folder = tmp_path.joinpath("shadow", *self.module.split("."))
        folder.mkdir(parents=True)
        for parent in (folder, *folder.parents[: self.module.count(".")]):
            (parent / "__init__.py").write_text("")
        program = f"import sys; sys.path.insert(0, {str(tmp_path / 'shadow')!r})" + _SHADOW
        told = fresh(program, self.package, self.module, directory=tmp_path, environ={"AUTOTRACK_STRICT": ""})
        assert told.strip() == str(folder / "__init__.py")

    def test_without_autotrack_and_with_it_disabled(self, tmp_path: Path) -> None:
        """Pickles made under recording load where autotrack is not installed; AUTOTRACK_DISABLED=1 means no patch,
        no thread, no file and no socket."""
        (data := tmp_path / "made.pickle").write_bytes(self.pickles())
        (work := tmp_path / "disabled").mkdir()
        told = json.loads(
            fresh(
                _WITHOUT, self.package, self.module, str(self.workload), str(data),
                directory=work, environ={"AUTOTRACK_DISABLED": "1", "AUTOTRACK_STRICT": "1"},
            )
        )  # fmt: skip
        assert told.pop("loaded") == 2
        assert told == {"patched": False, "threads": [], "opened": [], "sockets": [], "files": []}

    def pickles(self) -> bytes:
        """Patched callables and a fitted model, pickled while they are recorded."""
        reset()
        load(self.workload)
        with self.recording():
            callables: list[Any] = []
            for _, owner, name in self.targets():
                try:
                    pickle.dumps(getattr(owner, name).__wrapped__)
                except Exception:  # noqa: BLE001, S112 - what cannot be pickled without us need not be with us
                    continue
                callables.append(getattr(owner, name))
            return pickle.dumps((callables, self.program("fitted")()))
