"""The integration; the hooks are in the files beside this one."""

from __future__ import annotations

from autotrack.hooks import Integration

INTEGRATION = Integration("lightgbm", supports=">=4.0,<5")
