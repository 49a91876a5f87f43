"""How often a connection is tried: what a second attempt may fix, and for how long."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import paramiko
import tenacity
from paramiko.ssh_exception import NoValidConnectionsError
from tenacity.stop import stop_base

if TYPE_CHECKING:
    from collections.abc import Collection

CONNECT_BUDGET = 15.0
"""Seconds for which attempts to connect begin: an sshd at its MaxStartups drops connections at
random for as long as others log in."""
# A port without a listener, and a host without a route, say so at once: a service that restarts is
# back within seconds, and of many such hosts each one holds up another while it is waited for.
_REFUSED_BUDGET = 3.0
# What does not answer at all was asked for six seconds each time.
_MOST_SILENT_ATTEMPTS = 2
_REFUSED = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN})


class _Hopeless(stop_base):
    """Ends the attempts at what does not answer at all, or has nobody who listens."""

    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        outcome = retry_state.outcome
        error = outcome.exception() if outcome is not None else None
        if isinstance(error, TimeoutError):
            return retry_state.attempt_number >= _MOST_SILENT_ATTEMPTS
        passed = (retry_state.seconds_since_start or 0) + retry_state.upcoming_sleep
        return set(_numbers(error)) <= _REFUSED and passed > _REFUSED_BUDGET


def retrying() -> tenacity.Retrying:
    """The attempts at one connection; the last failure is raised."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(is_passing),
        wait=tenacity.wait_random_exponential(multiplier=0.5, max=4),
        stop=tenacity.stop_before_delay(CONNECT_BUDGET) | _Hopeless(),
        reraise=True,
    )


def _numbers(error: BaseException | None) -> Collection[int | None]:
    """What the system says of an attempt, of each address that was tried."""
    if isinstance(error, NoValidConnectionsError):
        return {getattr(one, "errno", None) for one in error.errors.values()}
    return {error.errno if isinstance(error, OSError) else None}


def is_passing(error: BaseException) -> bool:
    """True for what a second attempt may fix; a wrong key or a refused login is final."""
    final = (
        paramiko.AuthenticationException,
        paramiko.BadHostKeyException,
        socket.gaierror,
        FileNotFoundError,
    )
    says_all = (is_unknown_host_key, is_bad_key_file, has_no_key)
    if isinstance(error, final) or any(is_it(error) for is_it in says_all):
        return False
    return isinstance(error, paramiko.SSHException | OSError | EOFError)


def is_unknown_host_key(error: BaseException) -> bool:
    return isinstance(error, paramiko.SSHException) and "not found in known_hosts" in str(error)


def is_bad_key_file(error: BaseException) -> bool:
    return isinstance(error, paramiko.SSHException) and "private key file" in str(error)


def has_no_key(error: BaseException) -> bool:
    return isinstance(error, paramiko.SSHException) and "No authentication methods" in str(error)
