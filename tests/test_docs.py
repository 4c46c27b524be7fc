"""The documentation is true: its programs run, and what it tells one to type exists."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>.+) -->\n\n?)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
"""A fenced block. A program that cannot run here says why in a comment before it: ``<!-- not run: … -->``."""

SHELL = {"bash", "console", "sh", "shell"}

COMMAND = re.compile(r"^\$? ?(?:[A-Z_]+=\S+ )*(?P<tool>autotrack|make) (?P<words>.+)$")


class Block(NamedTuple):
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks() -> list[Block]:
    """Every fenced block of the documentation."""
    return [
        Block(
            page,
            text.count("\n", 0, found.start("language")) + 1,
            found["language"],
            found["text"],
            found["reason"] or "",
        )
        for page in PAGES
        for text in [page.read_text(encoding="utf-8")]
        for found in BLOCK.finditer(text)
    ]


def commands(tool: str) -> list[str]:
    """The subcommands of a tool that the documentation names, in shell blocks and between backticks."""
    lines = [line for block in blocks() if block.language in SHELL for line in block.text.splitlines()]
    for page in PAGES:
        lines += re.findall(r"`([^`\n]+)`", BLOCK.sub("", page.read_text(encoding="utf-8")))
    named = set()
    for line in lines:
        found = COMMAND.match(line.strip())
        if found and found["tool"] == tool:
            words = found["words"].split("#")[0].split()
            if tool == "make":
                named.update(word for word in words if re.fullmatch("[a-z]+", word))
            else:
                named.update(word for word in words[:1] if not word.startswith("-"))
    return sorted(named)


@pytest.mark.parametrize("block", [block for block in blocks() if block.language == "python"], ids=str)
def test_a_program_in_the_documentation_runs(block: Block, tmp_path: Path):
    """Each block is a whole program."""
    if block.reason:
        pytest.skip(block.reason)
    program = tmp_path / "program.py"
    program.write_text("\n" * block.line + block.text, encoding="utf-8")
    done = run(sys.executable, str(program))
    assert done.returncode == 0, f"{block}\n{done.stderr}"


@pytest.mark.parametrize("name", commands("autotrack"))
def test_a_documented_command_exists(name: str):
    """What stands after ``autotrack`` is a command that explains itself."""
    done = run(sys.executable, "-m", "autotrack", name, "--help")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", commands("make"))
def test_a_documented_target_exists(name: str):
    """What stands after ``make`` is a target of the Makefile."""
    assert name in targets()


def test_every_target_is_documented():
    """Whoever reads CONTRIBUTING.md knows all targets."""
    assert targets() == set(commands("make"))


@cache
def targets() -> set[str]:
    """The targets that the Makefile offers."""
    found = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return set(found[1].split())


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, check=False)
