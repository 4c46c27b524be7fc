"""Under `autotrack run` a program is what it is under `python`: each test compares the two, byte for byte."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUN = [sys.executable, "-m", "autotrack", "run"]
SAYS_EVERYTHING = """
    import __main__, inspect, os, sys
    print(sys.argv, sys.path, sys.orig_argv, sys.executable, sys.flags, sys.warnoptions, sys._xoptions)
    print(__name__, __file__, __spec__, __package__, __builtins__, sorted(vars(__main__)))
    print(os.getcwd(), os.getppid(), len(inspect.stack()), "sitecustomize" in sys.modules)
    assert not {"wrapt", "asyncio", "inspect_", "numpy", "sqlalchemy", "rich", "typer"} & set(sys.modules)
    print(sys.stdin.read())
    print("to stderr", file=sys.stderr)
"""


@pytest.mark.parametrize(
    "options", [(), ("-O",), ("-OO", "-W", "error"), ("-X", "dev", "-Wignore"), ("-bBsu",), ("-P",)]
)
def test_everything_a_program_can_see_of_its_start(same, script, options):
    """argv, path, flags, warnings, `__main__`, parent, depth of the stack and stdin are the same."""
    found = same(script(SAYS_EVERYTHING), "-x", "--two", "three four", options=options, stdin="from the pipe")
    assert found.code == 0
    assert "['program.py', '-x', '--two', 'three four']" in found.out
    assert "from the pipe" in found.out


def test_script_in_another_directory(same, script):
    """The first entry of the path is the script's directory, so that it finds its neighbours."""
    script("NAME = 'neighbour'", "there/neighbour.py")
    assert "neighbour" in same(script("import sys, neighbour; print(sys.path[0], neighbour.NAME)", "there/p.py")).out


@pytest.mark.parametrize("module", ["package", "package.part"])
def test_module(same, script, module):
    """`-m` runs packages and modules."""
    script("", "package/__init__.py")
    for name in ("__main__", "part"):
        script("import sys; print(sys.argv, sys.path[0], __spec__.name, __package__, __file__)", f"package/{name}.py")
    assert same("-m", module, "-m", "argument").code == 0


def test_missing_module(same):
    """A module that does not exist is reported by the interpreter itself."""
    assert same("-m", "no_such_module").code == 1


def test_directory_with_a_main(same, script):
    """A directory is run as `python` runs it."""
    script("import sys; print(sys.path[0], __file__, __spec__.name)", "application/__main__.py")
    assert same("application").code == 0


def test_program_on_stdin(same):
    """`-` reads the program from stdin."""
    assert same("-", "word", stdin="import sys; print(sys.argv)").out == "['-', 'word']\n"


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("", 0),
        ("sys.exit(0)", 0),
        ("sys.exit(3)", 3),
        ("sys.exit(300)", 300 % 256),
        ("sys.exit('said at the end')", 1),
        ("raise SystemExit", 0),
        ("os._exit(5)", 5),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT),
        ("os.abort()", -signal.SIGABRT),
        ("class Odd(BaseException): pass\nraise Odd('own')", 1),
        ("print('never flushed', end=''); sys.stdout.close()", 0),
    ],
)
def test_ends(same, script, ending, code):
    """Exit codes, deaths by signal and last words are passed on."""
    assert same(script(f"import os, signal, sys\nprint('before', flush=True)\n{ending}\n")).code == code


def test_traceback(same, script):
    """A traceback shows the program's frames and no other, with causes and locals' lines as ever."""
    found = same(
        script(
            """
            def deep(n):
                if n:
                    deep(n - 1)
                raise ValueError("broken")

            try:
                deep(3)
            except ValueError as error:
                raise RuntimeError("twice") from error
            """
        )
    )
    assert found.code == 1
    assert "autotrack" not in found.err


def test_syntax_error(same, script):
    """A program that does not compile fails as ever."""
    assert same(script("def broken(:\n")).code == 1


def test_classes_of_main_can_be_pickled(same, script):
    """`__main__` is the program's own module."""
    found = same(
        script(
            """
            import __main__, pickle, sys

            class Point:
                def __init__(self, x):
                    self.x = x

            if __name__ == "__main__":
                assert sys.modules["__main__"].Point is Point
                print(pickle.loads(pickle.dumps(Point(7))).x, Point.__module__)
            """
        )
    )
    assert found.out == "7 __main__\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(same, script, method):
    """Workers of every kind find the program's functions and run once each."""
    found = same(
        script(
            f"""
            import multiprocessing, sys

            class Task:
                def __call__(self, x):
                    return (x * x, sys.argv, __name__ != "__main__" or multiprocessing.parent_process() is not None)

            if __name__ == "__main__":
                with multiprocessing.get_context({method!r}).Pool(2) as pool:
                    print(pool.map(Task(), range(4)))
            """
        )
    )
    assert found.code == 0
    assert found.out.count("program.py") == 4


def test_interrupt_of_the_process_group(script):
    """Ctrl-C reaches the program once, and it dies of it as ever."""
    program = script(
        """
        import time
        try:
            print("ready", flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            print("once", flush=True)
            time.sleep(0.2)  # a second one would end this
            print("tidied", flush=True)
            raise
        """
    )
    ends = []
    for command in ([sys.executable, program], [*RUN, program]):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
        ends.append((out, err.splitlines()[-1], process.returncode))
    assert ends[0] == ends[1]
    assert ends[1][0] == b"once\ntidied\n"
    assert ends[1][2] == -signal.SIGINT


def test_terminal(script):
    """The program has the terminal itself: it is a tty, of the right size, and the program leads the foreground."""
    program = script(
        """
        import os, sys
        print(sys.stdin.isatty(), sys.stdout.isatty(), os.tcgetpgrp(0) == os.getpgrp() == os.getpid())
        print(input("name? "))
        """
    )
    seen = []
    for command in ([sys.executable, program], [*RUN, program]):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(command[0], command)
        os.write(terminal, b"Ada\n")
        heard = b""
        while True:
            try:
                part = os.read(terminal, 1000)
            except OSError:  # the other end is gone
                break
            if not part:
                break
            heard += part
        assert os.waitpid(pid, 0)[1] == 0
        os.close(terminal)
        seen.append(heard)
    assert seen[0] == seen[1]
    assert b"True True True" in seen[1]


def test_own_sitecustomize_still_runs(same, script, monkeypatch):
    """A `sitecustomize` that the program would have had runs as before, also one that fails."""
    script("import sys; sys.marked = __file__", "site/sitecustomize.py")
    program = script("import sys; print(sys.marked, sys.modules['sitecustomize'].__file__, sys.path)")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path("site").absolute()), os.environ["PYTHONPATH"]]))
    assert same(program).out.startswith(str(Path("site/sitecustomize.py").absolute()))
    script("raise RuntimeError('broken')", "site/sitecustomize.py")
    done = subprocess.run([*RUN, program], capture_output=True, text=True, check=False)
    assert "RuntimeError: broken" in done.stderr


def test_environment_of_another_interpreter(script):
    """A Python that does not have this autotrack starts as if nothing had been set, and says nothing."""
    program = script(
        """
        import subprocess, sys
        bare = subprocess.run([sys.executable, "-S", "-c", "print(1)"], capture_output=True, text=True)
        print(bare)
        isolated = subprocess.run([sys.executable, "-I", "-c", "print(1)"], capture_output=True, text=True)
        print(isolated)
        """
    )
    done = subprocess.run([*RUN, program], capture_output=True, text=True, check=True)
    assert done.stdout.count(r"stdout='1\n', stderr=''") == 2


def test_disabled(script, monkeypatch):
    """With AUTOTRACK_DISABLED=1 the program runs and nothing of autotrack's engine is loaded or written."""
    monkeypatch.setenv("AUTOTRACK_DISABLED", "1")
    program = script("import packaging, sys; print([m for m in sys.modules if 'autotrack._p' in m])")
    done = subprocess.run([*RUN, program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_program_that_imports_no_framework_starts_fast(script):
    """The way through `autotrack run` costs less than a tenth of a second, and loads nothing heavy."""
    program = script(
        "import sys; print(sorted({'wrapt', 'rich', 'typer', 'sqlalchemy', 'inspect', 'logging', 'threading'}"
        " & set(sys.modules)), [m for m in sys.modules if m.startswith('autotrack.') and '.cli' not in m])"
    )

    def fastest(command):
        times = []
        for _ in range(7):
            began = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            times.append(time.perf_counter() - began)
        return min(times), done.stdout

    plain, _ = fastest([sys.executable, program])
    tracked, loaded = fastest([*RUN, program])
    assert loaded == "[] []\n"
    assert tracked - plain < 0.1
