"""What lies in the image of a blank node: the packages, and what the lab changes in them."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lab.host import run_host

if TYPE_CHECKING:
    from lab.spec import Release

NODE_FILES = Path(__file__).parent / "node_files"

PACKAGES = (
    # In Debian testing useradd and mount are no longer essential, and systemd mounts with the one.
    "systemd-sysv", "udev", "dbus", "kmod", "procps", "sudo", "passwd", "mount",
    "frr", "frr-pythontools", "ifupdown2", "openssh-server", "iproute2", "bridge-utils",
    "iputils-ping", "arping", "traceroute", "tcpdump",
    # As each usual installation of Debian and Proxmox VE has it: an audit reads packet filters.
    "nftables",
)  # fmt: skip

# Nobody reads manuals there, and translations of package lists cost a minute to fetch.
MMDEBSTRAP_OPTIONS = (
    "--variant=apt",
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)

# Boot is bound by the processor, and nothing of a network node hangs on these.
MASKED_UNITS = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer",
    "logrotate.timer", "e2scrub_all.timer", "e2scrub_reap.service", "systemd-tmpfiles-clean.timer",
    "getty@tty1.service", "systemd-pstore.service", "systemd-binfmt.service",
    "proc-sys-fs-binfmt_misc.automount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
    "sys-fs-fuse-connections.mount", "dev-hugepages.mount", "sshd-keygen.service",
    "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service",
    "systemd-hwdb-update.service", "systemd-journal-catalog-update.service",
    "modprobe@drm.service", "modprobe@efi_pstore.service", "modprobe@fuse.service",
    "modprobe@configfs.service", "modprobe@dm_mod.service", "modprobe@loop.service",
    "sys-kernel-config.mount", "dev-mqueue.mount", "systemd-random-seed.service",
    "systemd-ask-password-console.path", "systemd-ask-password-wall.path",
    "systemd-sysext.socket", "systemd-creds.socket", "systemd-hostnamed.socket",
    "systemd-initctl.socket", "systemd-udev-load-credentials.service",
    # Nobody is handed to it: pam_systemd is not installed.
    "systemd-logind.service",
)  # fmt: skip

# Generators run at boot and at every daemon-reload, so a deployment pays for each of them, too. A
# node needs none of these.
MASKED_GENERATORS = tuple(
    f"systemd-{name}-generator"
    for name in (
        "bless-boot", "cryptsetup", "debug", "factory-reset", "getty", "gpt-auto",
        "hibernate-resume", "import", "integritysetup", "rc-local", "run", "ssh", "system-update",
        "sysv", "tpm2", "veritysetup",
    )
)  # fmt: skip

UNPRIVILEGED_USER = "fleet"


def recipe_hash(release: Release) -> str:
    """Twelve hex digits that change whenever the image would be built differently."""
    digest = hashlib.sha256()
    for part in (release, UNPRIVILEGED_USER, *PACKAGES, *MMDEBSTRAP_OPTIONS):
        digest.update(part.encode() + b"\0")
    for part in (*MASKED_UNITS, *MASKED_GENERATORS):
        digest.update(part.encode() + b"\0")
    for path in (*_node_files(), Path(__file__)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def furnish(root: Path) -> None:
    """Turn a bare Debian tree into that of a blank node.  Runs as root; LabError on failure."""
    for path in _node_files():
        target = root / path.relative_to(NODE_FILES)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        target.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
        os.chown(target, 0, 0)
    # The modules of whichever kernel runs are mounted there, from a disk of their own.
    (root / "usr/lib/modules").mkdir(exist_ok=True)
    for unit in MASKED_UNITS:
        _link(root / "etc/systemd/system" / unit, "/dev/null")
    for generator in MASKED_GENERATORS:
        _link(root / "etc/systemd/system-generators" / generator, "/dev/null")
    for unit in ("lab-modules.service", "lab-wires.service"):
        _link(
            root / "etc/systemd/system/sysinit.target.wants" / unit, f"/etc/systemd/system/{unit}"
        )
    run_host(
        ["chroot", str(root), "useradd", "--create-home", "--shell=/bin/bash", UNPRIVILEGED_USER]
    )
    # A password of `*` forbids passwords only; the default `!` also locks key logins.
    for user in ("root", UNPRIVILEGED_USER):
        run_host(["chroot", str(root), "usermod", "--password=*", user])
    owner = (root / "home" / UNPRIVILEGED_USER).stat()
    _make_key_folder(root / "root/.ssh", 0, 0)
    _make_key_folder(root / "home" / UNPRIVILEGED_USER / ".ssh", owner.st_uid, owner.st_gid)
    _forget_this_computer(root)


def _node_files() -> list[Path]:
    return sorted(path for path in NODE_FILES.rglob("*") if path.is_file())


def _link(link: Path, target: str) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _make_key_folder(folder: Path, uid: int, gid: int) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, uid, gid)


def _forget_this_computer(root: Path) -> None:
    """Drop what the build took over from here, and what every node must have of its own."""
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/apt/sources.list").write_text("")
    (root / "etc/hostname").unlink(missing_ok=True)
    # Empty: the node takes its id from the kernel command line, which names one per node.  MACs
    # that udev gives to bridges depend on it, so a shared id would mean shared MACs.
    (root / "etc/machine-id").write_text("")
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    # Says that /etc and /var match /usr, or systemd would rebuild its databases at first boot.
    usr = (root / "usr").stat()
    for folder in ("etc", "var"):
        stamp = root / folder / ".updated"
        stamp.write_text("")
        os.utime(stamp, ns=(usr.st_mtime_ns, usr.st_mtime_ns))
