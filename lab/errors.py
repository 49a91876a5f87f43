"""The one error of the lab: what failed, and what to do next."""

from __future__ import annotations


class LabError(Exception):
    """Something of the lab failed.  ``what`` says what and where, ``hint`` what to do next."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what, hint)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}; next: {self.hint}"
