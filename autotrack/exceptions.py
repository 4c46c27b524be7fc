"""The one exception that autotrack raises into a program: for a request that cannot be carried out."""

from __future__ import annotations


class AutotrackException(Exception):
    """Says what is wrong and what to do; ``error_code`` is one of MLflow's names, such as
    ``"RESOURCE_DOES_NOT_EXIST"`` or ``"INVALID_PARAMETER_VALUE"``."""

    def __init__(self, message: str, error_code: str = "INTERNAL_ERROR") -> None:
        super().__init__(message)
        self.message = message
        self.error_code = error_code

    @classmethod
    def invalid(cls, message: str) -> AutotrackException:
        """A value that cannot be accepted."""
        return cls(message, "INVALID_PARAMETER_VALUE")

    @classmethod
    def missing(cls, message: str) -> AutotrackException:
        """A thing that does not exist."""
        return cls(message, "RESOURCE_DOES_NOT_EXIST")


class Unrecorded(AutotrackException):
    """What was asked for needs a run that is recorded, and this one is not."""


MlflowException = AutotrackException
"""The name under which code written for MLflow catches it."""
