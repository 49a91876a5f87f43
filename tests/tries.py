"""How many examples a Hypothesis test tries: its own number, or a share of it under a profile.

`--hypothesis-profile=quick`, as in `./setup.sh test --quick`, tries a fifth of them; without it a test
tries them all.
"""

from __future__ import annotations

from hypothesis import settings

# Hypothesis' own default; what a profile says in its place is the percentage.
_WHOLE = 100
_QUICK = 20


def register_profiles() -> None:
    """Makes the profile `quick` known, before Hypothesis' plugin loads it."""
    settings.register_profile("quick", max_examples=_QUICK)


def tries(whole: int) -> int:
    """So many examples of `whole` as the profile in use tries."""
    return max(1, whole * settings().max_examples // _WHOLE)
