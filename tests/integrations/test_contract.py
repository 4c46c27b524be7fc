"""Every integration of this repository passes the contract, with the real framework."""

from pathlib import Path

from autotrack.testing import IntegrationContract

WORKLOADS = Path(__file__).parent / "workloads"
INTEGRATIONS = Path(__file__).parents[2] / "integrations"

DEVIATIONS = {
    # Records nothing itself: it serves those that do; a task is taken up in a process that is not looked into.
    "joblib": {"also": ("autotrack_sklearn",), "not_reached": frozenset({"take_up"})},
    # What is written for TensorBoard has a thread of its own, so that it never stays as it was; see its own tests.
    "torch": {"not_reached": frozenset({"converted", "added", "added_several", "chosen"})},
}

for file in sorted(WORKLOADS.glob("*.py")):
    if Path(__file__).with_name(f"test_{file.stem}_contract.py").exists():
        continue  # it says something of its own there
    name = f"Test{file.stem.capitalize()}"
    globals()[name] = type(
        name,
        (IntegrationContract,),
        {
            "__doc__": f"The integration of {file.stem}.",
            "package": f"autotrack_{file.stem}",
            "module": file.stem,
            "workload": file,
            **DEVIATIONS.get(file.stem, {}),
        },
    )


def test_every_integration_has_a_workload():
    """A folder without one would not be tested here."""
    folders = {init.parent.name.removeprefix("autotrack_") for init in INTEGRATIONS.glob("autotrack_*/__init__.py")}
    assert folders == {file.stem for file in WORKLOADS.glob("*.py")}
