"""What every integration passes, ours and those of third parties."""

from __future__ import annotations

from autotrack.testing.afresh import Afresh
from autotrack.testing.harmlessness import Harmless
from autotrack.testing.placement import Placed
from autotrack.testing.together import Together


class IntegrationContract(Harmless, Placed, Together, Afresh):
    """Derive a test class, say what is to be tested, and let pytest collect it::

        class TestContract(IntegrationContract):
            package = "autotrack_xgboost"               # has INTEGRATION
            module = "xgboost"                          # what users import
            workload = Path(__file__).parent / "workload.py"

    The workload file uses the framework as a program would, in well under a second, and never names autotrack:

    - ``workload()`` trains, reaches every hook, and returns what is to be the same to the bit, such as predictions;
    - ``failing_workload()`` trains with something of the user's that raises ``ERROR``, an exception of the file's own;
    - ``fitted()`` returns a fitted model, or a tuple of them (left out: no test of pickling);
    - ``parallel_workload(jobs)`` trains once, handing parts to that many joblib workers (left out: no such test).

    ``also`` names further integrations to be on; ``not_reached`` the hooks that ``workload`` cannot reach.

    Whatever is random takes its seed from the file, so that each call does the same; the functions may be called
    from several threads at once.
    """
