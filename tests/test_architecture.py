"""The shape of the code: which part may import which, and what a file looks like.

Everything is read from the sources, never imported: an import inside a function is an arrow like any other.
"""

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from importlib.util import module_from_spec, spec_from_file_location
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent

LAYERS = (
    {
        "_registered", "_startup", "direction", "entities", "event", "exceptions", "guard", "options", "redact",
        "settings",
    },
    {"journal"},
    {"wire"},
    {"sinks"},
    {"capture"},
    {
        "content", "context", "contribution", "current", "files", "outcome", "program", "resumed", "run", "sharing",
        "values",
    },
    {"store"},
    {"client"},
    {"data", "models"},
    {
        "_aside", "_doors", "_engine", "_installing", "_loader", "_loops", "_origins", "_patch", "_reads", "_said",
        "_variables", "_versions", "_watch", "_weak", "_workers", "call", "hooks", "testing",
    },
    {"analysis"},
    {"", "_frameworks", "active", "artifacts", "fluent", "frame", "plots", "pyfunc", "tracking"},
    {"exchange", "reproduction", "server"},
    {"__main__", "cli"},
)  # fmt: skip
"""The parts of ``autotrack``, innermost first; "" is ``autotrack/__init__.py``. A part imports from its own
layer and from those before it."""

DOORS = {"autotrack.data", "autotrack.exceptions", "autotrack.hooks", "autotrack.models"}
"""What an integration may import of autotrack."""

LAZY = {"cloudpickle", "matplotlib", "numpy", "pandas", "safetensors"}
"""What an integration may import inside a function, whatever its framework needs."""

MOST_LINES = 400


class Import(NamedTuple):
    """One module that one statement names."""

    module: str
    line: int
    in_function: bool
    for_types: bool
    reason: str
    """The comment on the statement's own lines, without what is meant for a tool."""


def test_a_part_imports_only_from_layers_above_its_own():
    """An arrow that points the wrong way fails, also when it is hidden in a function."""
    layer = {part: number for number, parts in enumerate(LAYERS) for part in parts}
    assert [str(path) for path in sources() if part_of(module_of(path)) not in layer] == []
    wrong = [
        f"{path}:{found.line}: {module_of(path)} imports {found.module}"
        for path in sources()
        for found in imports_of(path)
        if found.module.split(".")[0] == "autotrack"
        and layer.get(part_of(resolved(found.module)), 99) > layer[part_of(module_of(path))]
    ]
    assert wrong == []


def test_no_two_modules_import_each_other():
    """Within a layer imports are free, but never in a circle; a type may be named across one."""
    graph: dict[str, set[str]] = {}
    for path in sources():
        reached = {resolved(found.module) for found in imports_of(path) if not found.for_types}
        graph[module_of(path)] = reached & modules() - {module_of(path)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise AssertionError(f"imports in a circle: {circle}") from None


def test_an_integration_imports_the_hooks_the_models_and_its_framework():
    """Never a sink, the store or another integration; nothing else that the user did not install."""
    wrong = []
    for path in integration_sources():
        package = path.relative_to("integrations").parts[0]
        allowed = set(sys.stdlib_module_names) | framework_modules(package) | {package, "__future__"}
        for found in imports_of(path):
            top = found.module.split(".")[0]
            if top == "autotrack":
                good = ".".join(found.module.split(".")[:2]) in DOORS
            else:
                good = top in allowed or (top in LAZY and (found.in_function or found.for_types))
            if not good:
                wrong.append(f"{path}:{found.line}: {found.module}")
    assert wrong == []


def test_an_integration_can_be_imported_without_its_framework():
    """What it imports when it is loaded is autotrack's and the standard library's alone."""
    wrong = [
        f"{path}:{found.line}: {found.module}"
        for path in integration_sources()
        if path.name == "__init__.py"
        for found in imports_of(path)
        if not found.in_function
        and not found.for_types
        and found.module.split(".")[0] not in {*sys.stdlib_module_names, "autotrack", path.parent.name}
    ]
    assert wrong == []


def test_an_import_inside_a_function_says_why():
    """Such an import is for something heavy; the reason stands on its line."""
    silent = [
        f"{path}:{found.line}: {found.module}"
        for path in chain(sources(), integration_sources())
        for found in imports_of(path)
        if found.in_function and not found.reason
    ]
    assert silent == []


def test_only_one_file_imports_wrapt():
    """What patching needs of a third party is in one place."""
    importers = {
        str(path)
        for path in chain(sources(), integration_sources())
        for found in imports_of(path)
        if found.module.split(".")[0] == "wrapt"
    }
    assert importers <= {"autotrack/_patch.py"}


def test_files_are_short():
    """A file holds one idea."""
    long = {
        str(path): count
        for path in chain(sources(), integration_sources(with_tests=True))
        if (count := len(text_of(path).splitlines())) >= MOST_LINES
    }
    assert long == {}


def test_no_file_is_a_drawer():
    """A name says what is inside."""
    folders = ("autotrack", "integrations", "tests", "benchmarks", "examples")
    assert [path for folder in folders for path in (ROOT / folder).rglob("utils.py")] == []


def test_every_integration_folder_is_registered():
    """A new folder is found once the checkout has been installed again."""
    try:
        installed = distribution("autotrack-ml").entry_points
    except PackageNotFoundError:
        raise AssertionError("autotrack is not installed here; run `pip install -e .`") from None
    for group, expected in build_module().entry_points(ROOT).items():
        registered = {point.name: point.value for point in installed.select(group=group)}
        assert registered == expected, f"{group} is out of date; run `pip install -e .`"


def test_every_integration_is_typed():
    """Each package of the wheel carries the mark that type checkers look for."""
    packages = [ROOT / "autotrack", *(ROOT / "integrations" / folder.package for folder in folders())]
    assert [package.name for package in packages if not (package / "py.typed").is_file()] == []


def test_the_checks_see_what_is_hidden():
    """Imports in functions, below ``TYPE_CHECKING`` and by name are found, each with its reason."""
    found = imports_in(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    import a\n"
        "def f():\n"
        "    from b import (  # slow to load\n"
        "        c,\n"
        "    )\n"
        "    import d  # noqa: F401\n"
        "    import_module('e')\n"
    )
    assert found == (
        Import("typing.TYPE_CHECKING", 1, in_function=False, for_types=False, reason=""),
        Import("a", 3, in_function=False, for_types=True, reason=""),
        Import("b.c", 5, in_function=True, for_types=False, reason="slow to load"),
        Import("d", 8, in_function=True, for_types=False, reason=""),
        Import("e", 9, in_function=True, for_types=False, reason="by name"),
    )


@cache
def sources() -> tuple[Path, ...]:
    """Every file of autotrack, relative to the checkout."""
    return tuple(sorted(path.relative_to(ROOT) for path in (ROOT / "autotrack").rglob("*.py")))


def integration_sources(*, with_tests: bool = False) -> Iterator[Path]:
    """Every file of the integrations, relative to the checkout."""
    for path in sorted((ROOT / "integrations").rglob("*.py")):
        if with_tests or "tests" not in path.parts[len(ROOT.parts) :]:
            yield path.relative_to(ROOT)


@cache
def text_of(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def imports_of(path: Path) -> tuple[Import, ...]:
    return imports_in(text_of(path))


def module_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> frozenset[str]:
    return frozenset(map(module_of, sources()))


def resolved(name: str) -> str:
    """The module that ``from module import name`` reaches: the name if it is one, else the module."""
    parent = name.rpartition(".")[0]
    return name if name in modules() or parent not in modules() else parent


def part_of(module: str) -> str:
    return module.partition(".")[2].split(".")[0]


def imports_in(source: str) -> tuple[Import, ...]:
    """All that a source imports; ``from a import b`` counts as ``a.b``, as b may be a module."""
    found: list[Import] = []
    reasons = comments_in(source)

    def visit(node: ast.AST, in_function: bool, for_types: bool) -> None:
        match node:
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.ImportFrom():
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                names = [name]
            case _:
                names = []
        if names and isinstance(node, ast.stmt | ast.expr):
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            reason = next((reasons[line] for line in lines if reasons.get(line)), "")
            if isinstance(node, ast.expr):
                reason = reason or "by name"  # whoever spells it so has a mechanism in mind, not a delay
            found.extend(Import(name, node.lineno, in_function, for_types, reason) for name in names)
        in_function = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for_types = for_types or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        for child in ast.iter_child_nodes(node):
            visit(child, in_function, for_types)

    visit(ast.parse(source), in_function=False, for_types=False)
    return tuple(found)


def comments_in(source: str) -> dict[int, str]:
    """The words of each line's comment, without directives to tools."""
    words = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            said = [part.strip() for part in token.string.lstrip("#").split("#")]
            kept = [part for part in said if not part.startswith(("noqa", "type:", "pyright:", "pragma"))]
            words[token.start[0]] = " ".join(kept)
    return words


installed = cache(packages_distributions)


@cache
def framework_modules(package: str) -> set[str]:
    """The top-level modules of an integration's framework, and of what that framework itself requires."""
    declared = {folder.package: folder.watched for folder in folders()}
    own = {name.split(".")[0] for name in declared.get(package, (package.removeprefix("autotrack_"),))}
    by_module = installed()
    required = {
        canonical(requirement.name)
        for module in own
        for name in by_module.get(module, ())
        for requirement in map(Requirement, distribution(name).requires or ())
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    }
    return own | {module for module, names in by_module.items() if required.intersection(map(canonical, names))}


def folders() -> list[Any]:
    """What each integration folder declares."""
    found: list[Any] = build_module().folders(ROOT)
    return found


def canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


@cache
def build_module() -> ModuleType:
    """``hatch_build.py``, the one place that knows what an integration folder declares."""
    spec = spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["hatch_build"] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module
