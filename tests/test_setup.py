"""What an install rests on: the pins, the two lists of dependencies, the links, the commands."""

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.request
import zipfile
from pathlib import Path

import lab
import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
BACKEND = {"hatchling", "editables"}
# conda-forge splits off what only a desktop's Matplotlib needs.
CONDA_NAMES = {"matplotlib": "matplotlib-base"}
# Only who grades needs it, on Linux; the sandbox says when it is missing, and what to do.
NOT_ON_CONDA_FORGE = {"pyseccomp"}


def requirements(lines):
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


def locked():
    """The pins of requirements.lock: (requirement, number of hashes) for each."""
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return [
        (Requirement(line.split(" --hash")[0].strip()), line.count("--hash=sha256:"))
        for line in lines
    ]


def conda():
    """environment.yml's dependencies as {name: bounds}."""
    lines = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert all(isinstance(line, str) for line in lines), "no pip section: Binder would re-solve it"
    return dict(re.fullmatch(r"([\w.-]+?)([=<>].*)?", line).groups("") for line in lines)


def test_conda_and_pip_ask_for_the_same():
    wanted = requirements(PROJECT["dependencies"] + EXTRAS["course"])
    wanted |= {name: one for name, one in requirements(EXTRAS["test"]).items() if name in BACKEND}
    wanted = {
        CONDA_NAMES.get(name, name): str(one.specifier)
        for name, one in wanted.items()
        if name not in NOT_ON_CONDA_FORGE
    }
    found = conda()
    assert re.fullmatch(r"=3\.\d+", found.pop("python")), "Binder needs one Python"
    found.pop("pip")
    assert found == wanted


def test_condas_python_is_one_that_pyproject_allows():
    python = conda()["python"].removeprefix("=")
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(python)


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0", "3.14.0"])
@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_the_lock_pins_what_pyproject_asks_for(python, system):
    where = default_environment() | {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": system,
    }
    pins = {
        canonicalize_name(one.name): one
        for one, _ in locked()
        if one.marker is None or one.marker.evaluate(where)
    }
    wanted = requirements(PROJECT["dependencies"] + EXTRAS["course"] + EXTRAS["test"])
    here = {n: one for n, one in wanted.items() if not one.marker or one.marker.evaluate(where)}
    assert set(wanted) - set(here) <= {"pyseccomp"}  # a filter of Linux's system calls
    for name, one in here.items():
        assert name in pins, f"requirements.lock: expected {one}, got no pin. Run `make lock`."
        (pin,) = pins[name].specifier
        assert pin.operator == "=="
        assert one.specifier.contains(pin.version), f"{name}: expected {one}, got {pin}"


def test_the_lock_has_hashes_and_no_address():
    assert all(hashes > 0 for _, hashes in locked()), "a pin without a hash"
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--(extra-)?index-url|--find-links)\b", text, re.MULTILINE)
    assert "make lock" in text.splitlines()[1]


def test_the_lock_leaves_torch_to_those_who_compare():
    assert "torch" not in {one.name for one, _ in locked()}


def test_light_dependencies_for_a_browsers_python():
    heavy = {"jupyterlab", "nbgrader", "torch", "scipy"}
    assert not heavy & set(requirements(PROJECT["dependencies"]))


def test_links_are_built_from_one_place():
    urls = PROJECT["urls"]
    readme = (ROOT / "README.md").read_text()
    place = urls["Repository"].removeprefix("https://github.com/")
    assert urls["Binder"].startswith(f"https://mybinder.org/v2/gh/{place}/HEAD?urlpath=")
    badge = f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({urls['Binder']})"
    assert badge in readme
    assert f"git clone {urls['Repository']}\n" in readme
    linked = re.findall(r"https://(?:mybinder\.org/v2/gh|github\.com)/([\w.-]+/[\w.-]+)", readme)
    assert set(linked) == {place}
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["repository-code"] == urls["Repository"]
    assert citation["version"] == PROJECT["version"]


def test_binders_first_notebook_is_the_one_that_make_lab_opens():
    first = re.search(r"^NOTEBOOK := (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    assert PROJECT["urls"]["Binder"].endswith(f"urlpath=lab/tree/{first}")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_local_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text())
    missing = [link for link in links if not (ROOT / link).exists()]
    assert missing == []


def test_every_command_the_pages_name_is_a_target():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]:
        text = (ROOT / page).read_text()
        assert set(re.findall(r"(?:`|&& )make ([a-z-]+)", text)) <= targets


def test_help_lists_every_target():
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)", text, re.MULTILINE)[1].split()
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    assert [line.split()[1] for line in shown.splitlines()] == phony


def test_an_old_python_is_refused_with_a_remedy(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.8.1\nexit 1\n')
    old.chmod(0o755)
    for file in ["Makefile", "pyproject.toml", "requirements.lock"]:
        (tmp_path / file).write_bytes((ROOT / file).read_bytes())
    made = subprocess.run(
        ["make", "setup", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert made.returncode != 0
    assert "Python: expected 3.11 or newer, got Python 3.8.1." in made.stderr
    assert "make setup PYTHON=python3.12" in made.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("script", [".ci/run", "postBuild"])
def test_scripts_can_be_run(script):
    path = ROOT / script
    assert path.stat().st_mode & 0o111, f"chmod +x {script}"
    assert subprocess.run(["bash", "-n", path]).returncode == 0


@pytest.mark.slow
def test_the_wheel_is_pure_python_and_holds_nothing_of_an_instructors(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"rnn_by_hand-{PROJECT['version']}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert "autograde/lint.py" in names and "helpers/rnn.py" in names
    private = (
        "submitted/",
        "autograded/",
        "feedback/",
        "gradebook.db",
        "course_seed",
        "grades.csv",
    )
    assert not [name for name in names if name.startswith(tuple(f"autograde/{p}" for p in private))]
    assert not [name for name in names if name.endswith((".so", ".pyd", ".ipynb"))]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_make_lab_in_a_fresh_copy(tmp_path):
    """The README's second command: it installs, it serves, it leaves the home alone."""
    course, home = tmp_path / "course", tmp_path / "home"
    home.mkdir()
    for name in subprocess.check_output(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True
    ).splitlines():
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, course / name)
    # pip's cache may lie where it does, so that a second run need not fetch everything again.
    cache = subprocess.check_output([sys.executable, "-m", "pip", "cache", "dir"], text=True)
    environment = {**os.environ, "HOME": str(home), "PIP_CACHE_DIR": cache.strip()}
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "IPYTHONDIR"):
        environment.pop(name, None)
    port = lab.free_port()
    make = ["make", "lab", f"LAB_ARGS={' '.join(lab.server_arguments(port))}"]

    started = time.monotonic()
    first_log, second_log = tmp_path / "first.log", tmp_path / "second.log"
    with lab.serving(make, course, environment, port, first_log, patience=800) as address:
        first = time.monotonic() - started
        with urllib.request.urlopen(f"{address}/?token={lab.TOKEN}") as page:
            assert page.url.split("?")[0].endswith(
                "/lab/tree/notebooks/01_rnn_intro/01_rnn_intro.ipynb"
            )
    assert f"http://127.0.0.1:{port}/lab/tree/notebooks" in first_log.read_text()

    started = time.monotonic()
    with lab.serving(make, course, environment, port, second_log):
        second = time.monotonic() - started
    assert "pip install" not in second_log.read_text()
    print(f"make lab: {first:.0f} s the first time, {second:.1f} s the second")
    assert second < 20
    # Caches may come. pip asks rustc for its version, which some machines answer with ~/.rustup.
    assert {path.name for path in home.iterdir()} <= {".cache", ".rustup"}


@pytest.mark.parametrize("require_all, outcome", [("0", "1 skipped"), ("1", "1 failed")])
def test_a_skip_says_why_and_fails_where_nothing_may_be_skipped(tmp_path, require_all, outcome):
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\ndef test_it():\n    pytest.skip('a thing is missing: get it')\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "RNN_REQUIRE_ALL": require_all},
        capture_output=True,
        text=True,
    )
    assert outcome in run.stdout
    assert "a thing is missing: get it" in run.stdout
