"""Base images: one read-only ext4 file for each Debian release, built once on this computer."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.host import run_host
from lab.recipe import MMDEBSTRAP_OPTIONS, PACKAGES, furnish, recipe_hash
from lab.spec import STAND_IN, TESTING

if TYPE_CHECKING:
    from lab.kernels.kernel import Kernel
    from lab.paths import LabPaths
    from lab.spec import Release

# `skip`: nodes of Debian testing run its stand-in; `require`: they must run it, or none does.
TESTING_VARIABLE = "EVPN_FLEET_LAB_TESTING"

Progress = Callable[[str], None]

DISK_SIZE = "1200M"
MODULES_SIZE = "400M"
FREE_BYTES_NEEDED = 3 * 1024**3
_BUILD_TIMEOUT = 900.0


def image_path(paths: LabPaths, release: Release) -> Path:
    """Where the finished image of that release lies, or would lie.

    The recipe's hash is part of the name, so an image that was built otherwise, or only half,
    is never taken for it.
    """
    return paths.images / f"{release}-{recipe_hash(release)}.img"


def testing_wish() -> str:
    """What the environment says of Debian testing: `skip`, `require`, or nothing."""
    return os.environ.get(TESTING_VARIABLE, "")


def ensure_images(paths: LabPaths, releases: Iterable[Release], progress: Progress) -> str | None:
    """Build the images of those releases that are missing, side by side.

    Returns why Debian testing is not to be had, if it was asked for and is not: its stand-in's
    image is there instead. LabError where a stable release's image cannot be built.
    """
    wanted = set(releases)
    unavailable = None
    if TESTING in wanted and testing_wish() == "skip":
        unavailable = f"{TESTING_VARIABLE}=skip is set"
        wanted = wanted - {TESTING} | {STAND_IN}
    missing = sorted(name for name in wanted if not image_path(paths, name).exists())
    if not missing:
        return unavailable
    with ThreadPoolExecutor(len(missing)) as pool:
        built = {name: pool.submit(ensure_image, paths, name, progress) for name in missing}
    testing = built.pop(TESTING, None)
    for future in built.values():
        future.result()
    try:
        if testing is not None:
            testing.result()
    except LabError as error:
        if testing_wish() == "require":
            raise
        ensure_image(paths, STAND_IN, progress)
        return str(error)
    return unavailable


def ensure_image(paths: LabPaths, release: Release, progress: Progress) -> Path:
    """The finished image of a release, built now if need be (about a minute); LabError."""
    target = image_path(paths, release)
    paths.images.mkdir(parents=True, exist_ok=True)
    with _only_one(paths.images / f"{release}.lock", progress, release):
        if not target.exists():
            _check_disk(paths.images)
            _build(target, release, progress)
            for old in paths.images.glob(f"{release}-*.img"):
                if old != target:
                    old.unlink()
    return target


def ensure_modules(paths: LabPaths, kernel: Kernel) -> Path:
    """The disk with that kernel's modules, written now if need be (a second or two); LabError.

    On a disk of its own, so that a node's image serves whichever kernel runs.
    """
    target = paths.kernels / f"modules-{kernel.version}.img"
    if not target.exists():
        paths.kernels.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".modules-", dir=paths.kernels) as name:
            tree = Path(name) / "tree"
            shutil.copytree(kernel.modules, tree / kernel.version, symlinks=True)
            _write_disk(tree, Path(name) / "disk.img", MODULES_SIZE).rename(target)
    return target


def package_mirror() -> str:
    """The package mirror of this computer's own apt (its main archive); LabError if none."""
    fields = "$(LABEL)|$(COMPONENT)|$(CREATED_BY)|$(RELEASE)|$(REPO_URI)"
    rows = run_host(["apt-get", "indextargets", "--format", fields]).splitlines()
    mirrors = [
        row.rpartition("|")[2]
        for row in rows
        # The archive itself: its updates have a suffix, and security has another label.
        if re.fullmatch(r"Debian\|main\|Packages\|[a-z]+\|https?://.*", row)
    ]
    if not mirrors:
        raise LabError(
            "apt of this computer names no http(s) mirror of Debian's main archive",
            "add one to the apt sources (`deb URI bookworm main`), then `apt-get update`",
        )
    return mirrors[0]


def _valid_until_option() -> list[str]:
    """What apt of this computer says of package lists that have expired, for mmdebstrap.

    Debian testing's expire within days, and a mirror that lags serves such; whoever uses one has
    told apt so.
    """
    said = run_host(
        ["apt-config", "dump", "--format", "%v%n", "Acquire::Check-Valid-Until"]
    ).strip()
    return [f'--aptopt=Acquire::Check-Valid-Until "{said}"'] if said else []


def _build(target: Path, release: Release, progress: Progress) -> None:
    mirror = package_mirror()
    # Beside the target, so that the last rename stays inside one file system.
    with tempfile.TemporaryDirectory(prefix=f".{release}-", dir=target.parent) as name:
        work = Path(name)
        # mkdtemp's 0700 would keep apt's own unprivileged user out.
        work.chmod(0o755)
        tree = work / "tree"
        progress(f"{release}: 1/3 installing Debian packages (about a minute, once)")
        run_host(
            [
                "mmdebstrap", "--quiet", *MMDEBSTRAP_OPTIONS, *_valid_until_option(),
                f"--include={','.join(PACKAGES)}",
                release, str(tree), mirror,
            ],
            timeout=_BUILD_TIMEOUT,
        )  # fmt: skip
        progress(f"{release}: 2/3 configuring a blank node")
        furnish(tree)
        progress(f"{release}: 3/3 writing the disk image")
        _write_disk(tree, work / "disk.img", DISK_SIZE).rename(target)
    progress(f"{release}: image ready")


def _write_disk(tree: Path, disk: Path, size: str) -> Path:
    """An ext4 disk with what lies in that folder, which nobody writes to."""
    # Tables are written now, since the kernel would do it later in every node's own copy.
    run_host(
        [
            "mke2fs", "-q", "-t", "ext4", "-m", "0", "-E",
            "lazy_itable_init=0,lazy_journal_init=0,nodiscard", "-d", str(tree), str(disk), size,
        ],
        timeout=_BUILD_TIMEOUT,
    )  # fmt: skip
    disk.chmod(0o444)
    return disk


def _check_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES_NEEDED:
        raise LabError(
            f"{folder}: {free / 1024**3:.1f} GB free, an image needs 3 GB while it is built",
            "free some space, or point XDG_CACHE_HOME at another disk",
        )


@contextmanager
def _only_one(lock: Path, progress: Progress, release: Release) -> Iterator[None]:
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"{release}: another process builds this image, waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
