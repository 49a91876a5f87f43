"""A Dask scheduler and its workers as processes on loopback, started as docs/cluster.md shows."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import distributed
import yaml

from app.audit.cluster_worker import INVENTORY_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
_DASK = (sys.executable, "-m", "dask")
_WITHIN = 60


class DaskCluster:
    """A scheduler and workers, each a process that can be killed.

    With `tls` a file of Dask's configuration says which keys they have.
    """

    def __init__(self, home: Path, tls: Path | None = None) -> None:
        self._home = home
        self._tls = tls
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.address = ""

    def __enter__(self) -> Self:
        said = self._home / "scheduler.json"
        said.unlink(missing_ok=True)
        self._start(
            "scheduler", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
            "--scheduler-file", str(said), "--protocol", "tls" if self._tls else "tcp",
        )  # fmt: skip
        wait_for(said.exists)
        self.address = str(yaml.safe_load(said.read_text())["address"])
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._processes):
            self.kill(name)

    def work(self, name: str, inventory: Path, *, site: str = "") -> None:
        """Starts a worker; returns when the scheduler knows it."""
        label = ("--resources", f"{site}=1") if site else ()
        self._start(
            name, "worker", self.address, "--name", name, "--nthreads", "4", "--no-nanny",
            "--no-dashboard", "--host", "127.0.0.1", *label, inventory=inventory,
        )  # fmt: skip
        wait_for(lambda: name in self.busy())

    def busy(self) -> dict[str, int]:
        """By worker, how many hosts it has in hand."""
        with distributed.Client(self.address, timeout=_WITHIN) as client:
            workers: dict[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
            processing = client.processing()
        return {str(at["name"]): len(processing.get(a, ())) for a, at in workers.items()}

    def kill(self, name: str) -> None:
        """Ends a process as an OOM killer does."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def _start(self, name: str, *words: str, inventory: Path | None = None) -> None:
        env = {**os.environ, "DASK_TEMPORARY_DIRECTORY": str(self._home)}
        if self._tls is not None:
            env["DASK_CONFIG"] = str(self._tls)
        if inventory is not None:
            env[INVENTORY_VARIABLE] = str(inventory)
        with (self._home / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [*_DASK, *words], cwd=ROOT, env=env, stdout=log, stderr=log, stdin=-3
            )


def wait_for(condition: Any) -> None:
    until = time.monotonic() + _WITHIN
    while True:
        with contextlib.suppress(OSError):
            if condition():
                return
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.1)


def copy_of(inventory: Path, folder: Path, **data: dict[str, object]) -> Path:
    """The inventory in another folder, with more `data` of its hosts."""
    shutil.copytree(inventory, folder)
    hosts = yaml.safe_load((folder / "hosts.yaml").read_text())
    for host, more in data.items():
        hosts[host].setdefault("data", {}).update(more)
    (folder / "hosts.yaml").write_text(yaml.safe_dump(hosts))
    return folder
