"""Order, workers and conditions of the whole suite, and what its summary says beside the numbers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.images import WITHOUT_TESTING, lab_obstacle
from tests.processor_time import ProcessorTime
from tests.workers import LAB_ORDER, Scheduling, enter_network, how_many, put_apart, scope_of

if TYPE_CHECKING:
    import execnet
    from xdist.workermanage import WorkerController

# Words by which the session that sums up knows what a worker did not run, and why.
_OF_TESTING = ("release", "Debian testing alone")
# Of a failed try the end says which line failed, and with what.
_SAID_OF_A_TRY = 1500
_NOT_RUN = "the lab's tests were not run: "


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _may_want_lab(config: pytest.Config) -> bool:
    """Whether lab tests may be among those asked for, as far as can be told before collection."""
    homes = [config.rootpath / "tests" / name for name in ("live", "lab")]
    asked = [Path(config.invocation_params.dir, arg.partition("::")[0]) for arg in config.args]
    return "not lab" not in config.option.markexpr and any(
        path == home or path in home.parents or home in path.parents
        for path in asked for home in homes
    )  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first, then what takes seconds, then what boots machines, the longest of it first.

    Side by side, the last begins with the first (tests/workers.py).
    """

    def rank(item: pytest.Item) -> tuple[int, int]:
        if item.get_closest_marker("lab"):
            scope = scope_of(item.nodeid)
            known = LAB_ORDER.index(scope) if scope in LAB_ORDER else len(LAB_ORDER)
            return 2, known
        slow = any(item.get_closest_marker(name) for name in ("browser", "slow", "ssh"))
        return int(slow), 0

    items.sort(key=rank)
    for item in items:
        if item.get_closest_marker("forky"):
            # Keywords hold the names of folders, too, and a checkout may be called that.
            item.user_properties.append(_OF_TESTING)
        if item.get_closest_marker("lab"):
            # Real machines on two busy cores: what fails is tried once more, and said so. Then once
            # without Debian testing (tests/live/conftest.py): that is told apart.
            item.add_marker(pytest.mark.flaky(reruns=2 if "/live/" in item.path.as_posix() else 1))


def pytest_xdist_auto_num_workers() -> int:
    return how_many()


def pytest_xdist_setupnodes(config: pytest.Config, specs: list[execnet.XSpec]) -> None:
    if _may_want_lab(config):
        put_apart(specs)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling:
    return Scheduling(config, log)


def pytest_configure_node(node: WorkerController) -> None:
    """A worker has no network to fetch a kernel or to build an image from: it is told."""
    node.workerinput["lab_obstacle"] = lab_obstacle() if _may_want_lab(node.config) else None
    node.workerinput["apart"] = bool(node.gateway.spec.python)


def pytest_sessionstart(session: pytest.Session) -> None:
    # Not earlier: other plugins connect to the session that started this worker.
    if _is_worker(session.config) and session.config.workerinput["apart"]:
        enter_network()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A lab test runs on a machine that can hold the lab; elsewhere the session fails at its end."""
    if item.get_closest_marker("lab"):
        config = item.config
        reason = config.workerinput["lab_obstacle"] if _is_worker(config) else lab_obstacle()
        if reason is not None:
            # Before any fixture is made: those of the lab could not be.
            pytest.skip(_NOT_RUN + reason)


def _properties(report: pytest.TestReport) -> list[tuple[str, object]]:
    # Sent by a worker, a property is a list.
    return [(name, value) for name, value in report.user_properties]


class _Verdict:
    """What is said at the end, and decides the exit code, beside pytest's own numbers.

    - Lab tests that were not run fail the session: it never passes silently.
    - What fails with Debian testing alone is told apart, and does not stand in the way of the two
      stable releases. That is a failed test of it alone (marker `forky`), by which the exit code does
      not go, and one that passed only when nodes of Debian testing ran another release.
    """

    def __init__(self) -> None:
        self.not_run = 0
        self.why = ""
        self.failed = 0
        self.forky: list[str] = []
        self.without: list[str] = []
        self.tries: list[tuple[str, str]] = []
        self.seconds: dict[str, float] = {}
        self.processor_seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if "lab" in report.keywords and not report.skipped:
            scope = scope_of(report.nodeid)
            self.seconds[scope] = self.seconds.get(scope, 0) + report.duration
            computed = getattr(report, "processor_seconds", 0)
            self.processor_seconds[scope] = self.processor_seconds.get(scope, 0) + computed
        # "rerun" is pytest-rerunfailures' own.
        if str(report.outcome) == "rerun" or (report.failed and "lab" in report.keywords):
            self.tries.append((report.nodeid, report.longreprtext[-_SAID_OF_A_TRY:]))
        if report.when == "call" and report.passed and WITHOUT_TESTING in _properties(report):
            self.without.append(report.nodeid)
        if report.skipped and isinstance(report.longrepr, tuple) and _NOT_RUN in report.longrepr[2]:
            self.not_run += 1
            self.why = report.longrepr[2].partition(_NOT_RUN)[2]
        elif report.failed and _OF_TESTING in _properties(report):
            self.forky.append(report.nodeid)
        elif report.failed:
            self.failed += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self.not_run and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        elif self.forky and not self.failed and exitstatus == pytest.ExitCode.TESTS_FAILED:
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.seconds:
            terminalreporter.section("the lab's minutes, and those of a processor")
        for scope, seconds in sorted(self.seconds.items(), key=lambda each: -each[1]):
            computed = self.processor_seconds[scope]
            terminalreporter.line(f"{seconds / 60:6.1f} {computed / 60:6.1f}  {scope}")
        if self.tries:
            terminalreporter.section("how each failed try of a lab test ended")
        for nodeid, said in self.tries:
            terminalreporter.line(f"{nodeid}:\n  " + "\n  ".join(said.splitlines()))
        if self.forky or self.without:
            terminalreporter.section("Debian testing", red=True)
        for said, tests in (
            ("failed, and are of that release alone", self.forky),
            ("passed without it: with it they failed twice, or one before them did", self.without),
        ):
            if tests:
                terminalreporter.line(f"{len(tests)} tests {said}:")
                terminalreporter.line("".join(f"  {nodeid}\n" for nodeid in tests))
        if self.not_run:
            terminalreporter.section("no lab", red=True)
            why = " ".join(self.why.split())
            terminalreporter.line(f"Error: {self.not_run} of {_NOT_RUN}{why}", red=True)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.option.hypothesis_profile:
        # Only then: it takes half a second to import.
        from tests.tries import register_profiles  # noqa: PLC0415

        register_profiles()
    # A worker gets them from its session's readline, whatever the terminal; what is shown goes by
    # them.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    if not _is_worker(config):
        config.pluginmanager.register(_Verdict(), "verdict")
    elif config.workerinput["apart"]:
        config.pluginmanager.register(ProcessorTime(), "processor time")
