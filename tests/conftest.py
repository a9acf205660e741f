"""What a test may need beyond Python: a browser, a sandbox, PyTorch.

A test asks for it by a fixture's name. Where it is missing the test is skipped, and the run's last
lines say what to install; with RNN_REQUIRE_ALL=1 (as in .ci/run) every skip is a failure.
"""

import functools
import os
import shutil

import pytest

# Before NumPy is imported, and for every process that a test starts.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import matplotlib.pyplot as plt  # noqa: E402

from helpers import plots  # noqa: E402

REQUIRE_ALL = os.environ.get("RNN_REQUIRE_ALL") == "1"


@pytest.fixture(scope="session")
def chromium():
    """The path of Debian's Chromium."""
    return _program("chromium", "apt-get install chromium")


@pytest.fixture(scope="session")
def bubblewrap():
    """The path of bubblewrap's program."""
    return _program("bwrap", "apt-get install bubblewrap")


@pytest.fixture(scope="session")
def torch():
    """The module torch, to compare with."""
    return pytest.importorskip(
        "torch", reason="torch is missing: pip install 'rnn-by-hand[compare]'"
    )


@pytest.fixture(autouse=True)
def course_style():
    """Figures look as they do in a notebook, and leave no setting and no open figure behind."""
    with plt.rc_context():
        plots.use_style()
        yield
    plt.close("all")


@pytest.fixture(scope="session")
def executed():
    """Notebooks after Run All, by name, each run once; tests of one belong to its xdist_group."""
    from notebook_runner import Executed  # a test of this file copies it away from its siblings

    return functools.cache(Executed)


@pytest.fixture(scope="module")
def ran(request, executed):
    """The notebook that the test file names in NAME, after Run All."""
    return executed(request.module.NAME)


@pytest.fixture(scope="module")
def sources(ran):
    """Its cells' texts by id."""
    return {name: cell.source for name, cell in ran.cells.items()}


def _program(name, remedy):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is missing: {remedy}")
    return path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return _no_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return _no_skip((yield))


def _no_skip(report):
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"RNN_REQUIRE_ALL=1, yet this would be skipped: {report.longrepr[-1]}"
    return report


def pytest_terminal_summary(terminalreporter):
    reasons = {
        report.longrepr[-1].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    }
    for reason in sorted(reasons):
        terminalreporter.write_line(f"skipped some tests: {reason}", yellow=True)
