"""What integrations know of the program's objects says nothing when the interpreter ends."""

import subprocess
import sys

_EARLY = "kept = []"
_KNOWN = """
import weakref

from autotrack.hooks import weak

_known = {}
by_weakref = lambda model: weakref.ref(model, lambda _: _known.pop(0, None))
by_weak = lambda model: weak(model, lambda _: _known.pop(0, None))
"""
_PROGRAM = """
import sys

import early
import known


class Model:
    pass


model = Model()
early.kept += [getattr(known, sys.argv[1])(model), model]
sys.alive = [early, known]  # so that modules are emptied, the latest first, and not just let go
del model
"""


def test_what_goes_with_the_interpreter_is_not_told(tmp_path):
    """By then the integration's own module is empty, and Python would say so on the program's stderr."""
    for name, text in (("early", _EARLY), ("known", _KNOWN), ("program", _PROGRAM)):
        (tmp_path / f"{name}.py").write_text(text)
    said = [
        subprocess.run(
            [sys.executable, "program.py", kind], cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=True
        )
        for kind in ("by_weakref", "by_weak")
    ]
    assert "'NoneType' object has no attribute 'pop'" in said[0].stderr
    assert said[1].stderr == ""
