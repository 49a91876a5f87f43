"""Secrets are cut out of whatever is shown or kept: plans, findings, reports, snapshots."""

from __future__ import annotations

import re
from typing import Any

REDACTED = "<redacted>"
# All that follows such a word on its line: a secret may have words before it (`md5`, `7`).
_SECRET = re.compile(
    r"(\b(?:password|passwd|passphrase|secret|psk|key-string|md5-key|message-digest-key"
    r"|authentication-key|wireless-key|authentication[ \t]+string)[ \t]+)\S.*",
    re.IGNORECASE,
)


# A part of each of these words. Looking for them takes 1 us a kilobyte, the expression 55: it was
# half of what a node's collection cost us. Without an `i`, which matches letters that fold to none.
_STEMS = ("pass", "secret", "psk", "key", "authent")


def redact(text: str) -> str:
    """`text` with every secret replaced by `<redacted>`, line by line."""
    folded = text.casefold()
    if not any(stem in folded for stem in _STEMS):
        return text
    return _SECRET.sub(rf"\1{REDACTED}", text)


class _Hidden(dict[Any, str]):
    """Secrets that nobody was told: each is `<redacted>`."""

    def __missing__(self, _source: object) -> str:
        return REDACTED


HIDDEN = _Hidden()
