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


def redact(text: str) -> str:
    """`text` with every secret replaced by `<redacted>`, line by line."""
    return _SECRET.sub(rf"\1{REDACTED}", text)


class _Hidden(dict[Any, str]):
    """Secrets that nobody was told: each is `<redacted>`."""

    def __missing__(self, _source: object) -> str:
        return REDACTED


HIDDEN = _Hidden()
