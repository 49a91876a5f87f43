"""Sends messages to receivers by apprise. Its URLs are secrets: they are never shown."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from overlay.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apprise import Apprise

SEND_SECONDS: Final = 20.0
"""All receivers together get so long; one that has not taken its message by then has failed."""

_ID_SALT: Final = b"evpn-fleet notification receiver"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where messages go. `name` may be shown and `id` may be kept; `url` is a secret."""

    name: str
    id: str
    url: str

    def __repr__(self) -> str:
        return f"Receiver({self.name!r})"


@dataclass(frozen=True, slots=True)
class Message:
    """What one receiver is sent, as plain text."""

    title: str
    body: str


def receivers(given: Sequence[str]) -> tuple[Receiver, ...]:
    """Return the receivers that URLs, and files with a URL a line, name; each once.

    What has no `://` is a file; its empty lines and those that begin with # are left out. Raises
    FleetError, without the URLs, for a file that cannot be read or that others may read.
    """
    urls: dict[str, None] = {}
    for item in given:
        if "://" in item:
            urls[item.strip()] = None
        elif item.strip():
            urls |= dict.fromkeys(_lines(item))
    return tuple(
        Receiver(f"receiver {number} ({_scheme(url)})", _id(url), url)
        for number, url in enumerate(urls, start=1)
    )


def send(messages: Sequence[tuple[Receiver, Message]]) -> dict[str, str]:
    """Send each message to its receiver, all at once; return why not, by the id of each failed one.

    Ends after SEND_SECONDS, whatever the receivers do. Never raises for what a receiver does.
    """
    said: dict[str, str] = {receiver.id: "no answer in time" for receiver, _ in messages}

    def deliver(receiver: Receiver, message: Message) -> None:
        said[receiver.id] = _deliver(receiver, message)

    # Daemons, so that a receiver that never answers cannot hold up the end of the program.
    threads = [threading.Thread(target=deliver, args=pair, daemon=True) for pair in messages]
    limit = time.monotonic() + SEND_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, limit - time.monotonic()))
    return {key: why for key, why in said.copy().items() if why}


def _deliver(receiver: Receiver, message: Message) -> str:
    """Returns why the message was not taken, or an empty text."""
    # Its log and its exceptions may hold the URL: neither is shown.
    try:
        apprise = _apprise()
        if not apprise.add(receiver.url):
            return "apprise does not know this kind of URL"
        taken = apprise.notify(title=message.title, body=message.body, body_format="text")
    except Exception as error:  # noqa: BLE001 - a hundred plugins; none may end an audit
        return f"apprise failed: {type(error).__name__}"
    return "" if taken else "the receiver did not accept the message"


def _apprise() -> Apprise:
    # Imported here: it brings in a HTTP client and mail, which few audits need.
    import apprise  # noqa: PLC0415

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    asset = apprise.AppriseAsset(
        app_id="evpn-fleet",
        app_desc="evpn-fleet",
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        async_mode=False,
        interpret_escapes=False,
        interpret_emojis=False,
    )
    return apprise.Apprise(asset=asset)


def _lines(name: str) -> list[str]:
    path = Path(name).expanduser()
    if not path.exists():
        # Its name is not shown: it may be a URL that was mistyped.
        raise FleetError(
            "what --notify names is neither a URL (there is no :// in it) nor a file that exists",
            "name a file with one apprise URL a line, or a URL such as mailto://… itself",
        )
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise FleetError(
            f"the file of notification URLs {name} cannot be read: {said}",
            "it is a text with one apprise URL a line, which the audit's user may read",
        ) from None
    if mode & 0o077:
        raise FleetError(
            f"the file of notification URLs {name} may be read by others; it holds secrets",
            f"chmod 600 {name}",
        )
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _scheme(url: str) -> str:
    scheme = url.partition("://")[0].lower()
    return scheme if scheme.isalnum() and len(scheme) <= 16 else "?"


def _id(url: str) -> str:
    # Slow on purpose: the history keeps it, and a password in the URL may be a short one.
    return hashlib.scrypt(url.encode(), salt=_ID_SALT, n=2**14, r=8, p=1, dklen=16).hex()
