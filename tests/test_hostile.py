"""A class of hostile submissions, graded by nbgrader's own commands: none of them gains anything.

Each tries one thing, mostly in the cell of `double` (2 points), and has `triple` (3 points) right.
"""

import csv
import hashlib
import json
import os
import re
import tempfile

import nbformat
import psutil
import pytest
from tiny_course import NAME, nbgrader, write_course

from autograde.seed import VARIABLE

# They look at all the processes that there are: one after the other.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("grading")]

TRIPLE = "def triple(x):\n    return 3 * x"
SECRET = "98765432123456789"  # the seed of the hidden tests

# What is written into the cell of `double`; every one of these is worth nothing.
WORTHLESS = {
    "reads_files": """
        import glob, os
        found = []
        for root in ("/", os.getcwd(), os.path.expanduser("~"), "/proc/1", "/proc/self"):
            for folder, _, files in os.walk(root):
                if folder.count("/") < 7:
                    found += [os.path.join(folder, f) for f in files
                              if f in ("gradebook.db", "course_seed", "01_tiny.ipynb", "environ")]
        for path in found:
            try:
                text = open(path, errors="replace").read()
                if "HIDDEN" in text or "{secret}" in text:
                    print("FOUND", path)
            except OSError:
                pass
        """,
    "reads_frames": """
        import gc, sys
        seen = [str(o) for o in gc.get_objects() if isinstance(o, str)]
        frame = sys._getframe()
        while frame:
            seen.append(str(frame.f_locals)[:100000])
            frame = frame.f_back
        if any("BEGIN HIDDEN" in s and "course_seed()" in s for s in seen):
            print("FOUND the tests")
        """,
    "reads_environment": """
        import os
        if "{secret}" in str(os.environ) or "{variable}" in os.environ:
            print("FOUND the seed")
        """,
    "equals_everything": """
        class Yes:
            def __eq__(self, other):
                return True
            __ne__ = __lt__ = __gt__ = __hash__ = None
        def double(x):
            return Yes()
        """,
    "array_that_equals_everything": """
        import numpy as np
        class Yes(np.ndarray):
            def __eq__(self, other):
                return True
            def __array_function__(self, *a, **k):
                return True
            def __array_ufunc__(self, *a, **k):
                return True
        def double(x):
            return np.zeros(1).view(Yes)
        """,
    "patches_everything": """
        import builtins, json, sys
        import numpy as np
        import autograde
        builtins.AssertionError = type("Calm", (Exception,), dict())
        autograde.check = sys.modules["autograde.check"].check = lambda *a, **k: None
        json.dumps = lambda *a, **k: "[{{}}, []]"
        np.testing.assert_allclose = lambda *a, **k: None
        sys.modules["autograde.seed"] = None
        def double(x):
            return None
        """,
    "transforms_code": """
        import ast
        class Away(ast.NodeTransformer):
            def visit_Assert(self, node):
                return ast.Pass()
        get_ipython().ast_transformers.append(Away())
        def double(x):
            return None
        """,
    "forges_outputs": """
        from IPython.display import display, HTML
        print("2.0")
        display(HTML("<script>alert('outputs')</script>"))
        double = 2.0
        """,
    "writes_the_gradebook": """
        import glob, sqlite3
        found = glob.glob("/**/gradebook.db", recursive=True)
        for path in [*found, "{root}/autograde/gradebook.db"]:
            try:
                sqlite3.connect(path).execute("update grade set auto_score = 99")
                print("FOUND the gradebook")
            except sqlite3.Error:
                pass
        """,
    "writes_files": """
        import os
        root = "{root}"
        for folder in (root, root + "/autograde/submitted", "{temporary}", "/usr", "/dev/shm", "/"):
            try:
                open(os.path.join(folder, "planted"), "w").write("planted")
            except OSError:
                pass
        """,
    "uses_the_network": """
        import socket
        for family, address in ((2, ("127.0.0.1", 22)), (2, ("8.8.8.8", 53)), (1, "/run/x")):
            try:
                socket.socket(family).connect(address)
                print("FOUND a network")
            except OSError:
                pass
        """,
    "leaves_a_daemon": """
        import os, subprocess, sys
        try:
            if os.fork() == 0:
                os.setsid()
                while True:
                    pass
        except OSError:
            pass
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        """,
    "fork_bomb": "import os\nwhile True:\n    os.fork()",
    "thread_bomb": """
        import threading, time
        for _ in range(10000):
            threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
        """,
    "memory_bomb": "held = []\nwhile True:\n    held.append(bytearray(10**8))",
    "disk_filler": """
        with open("filler", "wb") as file:
            while True:
                file.write(bytes(10**7))
        """,
    "endless": "while True:\n    pass",
    "endless_and_deaf": """
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
        """,
    "endless_function": "def double(x):\n    while True:\n        pass",
    "exits": "import os\nos._exit(0)",
    "exits_in_the_test": "import os\ndef double(x):\n    os._exit(0)",
    "kills": "import os\nos.kill(-1, 9)\nos.kill(os.getppid(), 9)\nos.kill(os.getpid(), 9)",
    "crashes": "import ctypes\nctypes.string_at(0)",
    "prints_for_ever": "while True:\n    print('more')",
    "prints_a_long_line": "print('x' * 300_000_000)",
    "huge_result": "import numpy as np\ndef double(x):\n    return np.zeros(10**8)",
    "deep_recursion": """
        import sys
        sys.setrecursionlimit(10**9)
        def double(x):
            return double(x)
        """,
    "deep_result": """
        def double(x):
            held = []
            for _ in range(10**5):
                held = [held]
            return held
        """,
    "speaks_on_the_wire": """
        import os
        def double(x):
            for fd in range(3, 256):
                try:
                    frame = (16).to_bytes(4, "big") + bytes(4) + b'[{{"value":4}},[]]'
                    os.write(fd, frame * 5)
                    os.write(fd, b'garbage' * 1000)
                except OSError:
                    pass
        """,
    "closes_the_wire": """
        import os
        def double(x):
            os.closerange(0, 256)
        """,
    "raises_oddly": """
        class Odd(BaseException):
            def __str__(self):
                raise SystemExit
        def double(x):
            raise Odd
        """,
    "interrupts": "def double(x):\n    raise KeyboardInterrupt",
}


def source(text, root):
    lines = text.strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    text = "\n".join(line[indent:] for line in lines)
    known = dict(root=root, temporary=tempfile.gettempdir(), secret=SECRET, variable=VARIABLE)
    return text.format(**known) if "{" in text else text


def folder_of(root, student):
    return root / "autograde" / "submitted" / student / NAME


def released(root):
    return nbformat.read(root / "notebooks" / NAME / f"{NAME}.ipynb", as_version=4)


def submit(root, student, change):
    """Hand in the released notebook with `triple` solved and what `change` does to its cells."""
    nb = released(root)
    cells = {cell.id: cell for cell in nb.cells}
    cells["double"].source = "def double(x):\n    return 2 * x"
    cells["triple"].source = TRIPLE
    change(nb, cells)
    folder = folder_of(root, student)
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_text(json.dumps(nb))
    return folder


def doubled(nb, cells):
    nb.cells += [nbformat.from_dict(cells["double"]), nbformat.from_dict(cells["check_double"])]
    cells["double"].source = "double = None"


def without_tests(nb, cells):
    nb.cells = [cell for cell in nb.cells if not cell.id.startswith("check_")]


def flipped(nb, cells):
    for name in ("double", "check_triple"):
        cells[name].cell_type = "markdown"
        del cells[name]["outputs"], cells[name]["execution_count"]
    cells["check_double"].metadata.nbgrader = {"grade": False, "points": 1000, "grade_id": 7}


def reordered(nb, cells):
    nb.cells.reverse()


def odd_metadata(nb, cells):
    nb.metadata = {"kernelspec": {"name": "sh", "display_name": "x", "language": "bash"}}
    cells["check_double"].metadata = {"nbgrader": "none", "tags": ["experiment"]}
    cells["check_triple"].metadata.nbgrader.points = 1000
    cells["imports"].metadata["nbgrader"] = {"schema_version": 1, "grade_id": "unknown"}


def scripts(nb, cells):
    attack = (
        "<script>alert('text')</script> <img src=x onerror=alert(2)> [x](javascript:alert(1)) "
        "[y](java&#115;cript:alert(1)) [z](JavaScript\\:alert(1))\n\n[w]: javascript:alert(1)\n[w]"
    )
    nb.cells.insert(0, nbformat.v4.new_markdown_cell(attack))
    nb.cells.insert(0, nbformat.v4.new_raw_cell(attack))
    cells["double"].source += "\n\ndef _repr_html_():\n    pass"


def figures(nb, cells):
    cells["double"].source = (
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\n"
        "print('a magic:')\n%timeit -n1 -r1 1 + 1\n" + cells["double"].source
    )


def warns(nb, cells):
    """Stock nbgrader takes its points away, because of what it writes to stderr."""
    cells["double"].source = (
        "import sys, warnings\ndef double(x):\n    warnings.warn('careful')\n"
        "    print('careful', file=sys.stderr)\n    return 2 * x"
    )


# Submissions of another form, with the points that are right for them.
FORMS = {
    "honest": (lambda nb, cells: None, 5),
    "doubled": (doubled, 5),
    "without_tests": (without_tests, 5),
    "flipped": (flipped, 5),
    "reordered": (reordered, 0),
    "odd_metadata": (odd_metadata, 5),
    "scripts": (scripts, 5),
    "figures": (figures, 5),
    "warns": (warns, 5),
}
# Those that cannot be graded at all.
UNREADABLE = {
    "bad_json": b"{",
    "no_notebook": b"[]",
    "huge": b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    + b" " * (21 << 20),
    "deep_json": b"[" * 200_000,
}


def fingerprint(root):
    """Everything of the course that a submission must not change."""
    kept = [*sorted((root / "solutions").rglob("*")), *sorted((root / "notebooks").rglob("*"))]
    kept += sorted((root / "autograde" / "submitted").rglob("*"))
    kept = [p for p in kept if p.is_file()]
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in kept}


@pytest.fixture(scope="module")
def graded(tmp_path_factory, bubblewrap):
    """The course after autograde and feedback, what was logged, and what was there before."""
    root = write_course(tmp_path_factory.mktemp("hostile"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, SECRET)
        nbgrader(root, "generate_assignment", NAME)
        for student, text in WORTHLESS.items():
            written = source(text, root)
            submit(root, student, lambda nb, cells, w=written: cells["double"].update(source=w))
        for student, (change, _) in FORMS.items():
            submit(root, student, change)
        for student, data in UNREADABLE.items():
            folder = submit(root, student, lambda nb, cells: None)
            (folder / f"{NAME}.ipynb").write_bytes(data)
        shadowed = submit(root, "shadows", lambda nb, cells: None)
        for name in ("numpy", "json", "autograde", "sitecustomize"):
            (shadowed / f"{name}.py").write_text("raise RuntimeError('shadowed')")
        linked = submit(root, "links", lambda nb, cells: None)
        (linked / "link").symlink_to(root / "autograde" / "course_seed")
        (linked / f"{NAME}.ipynb").unlink()
        other = folder_of(root, "honest") / f"{NAME}.ipynb"
        (linked / f"{NAME}.ipynb").symlink_to(other)
        junk = submit(root, "junk_timestamp", lambda nb, cells: None)
        (junk / "timestamp.txt").write_text("the day before yesterday")
        before, running = fingerprint(root), set(psutil.pids())
        done = nbgrader(root, "autograde", NAME, "--Execute.timeout=2", check=False)
        nbgrader(root, "generate_feedback", NAME, check=False)
        nbgrader(root, "export")
    return root, done, before, running


def points(root):
    with open(root / "autograde" / "grades.csv", newline="") as file:
        return {row["student_id"]: row["score"] for row in csv.DictReader(file)}


def cells_of(root, student):
    path = root / "autograde" / "autograded" / student / NAME / f"{NAME}.ipynb"
    graded = nbformat.read(path, as_version=4).cells
    others = {cell.id: cell for cell in graded if "nbgrader" not in cell.metadata}
    return others | {cell.id: cell for cell in graded if "nbgrader" in cell.metadata}


@pytest.mark.parametrize("student", WORTHLESS)
def test_no_attack_earns_the_points_of_its_exercise(graded, student):
    root, *_ = graded
    cells = cells_of(root, student)
    outputs = cells["check_double"].outputs
    assert [output.output_type for output in outputs] == ["error"], outputs
    said = json.dumps([cell.get("outputs") for cell in cells.values()])
    assert "FOUND" not in said and SECRET not in said
    assert float(points(root)[student]) in (0, 3)


@pytest.mark.parametrize("student", ["equals_everything", "endless", "endless_function"])
def test_what_is_right_besides_still_counts(graded, student):
    assert float(points(graded[0])[student]) >= 3


@pytest.mark.parametrize("student", FORMS)
def test_a_submission_of_another_form_gets_what_its_answers_are_worth(graded, student):
    assert float(points(graded[0])[student]) == FORMS[student][1]


def test_figures_and_magics_reach_the_feedback(graded):
    root, *_ = graded
    (page,) = (root / "autograde" / "feedback" / "figures").rglob("*.html")
    text = page.read_text()
    assert "data:image/png;base64," in text and "a magic:" in text and "per loop" in text


def test_the_tests_of_a_submission_are_the_instructors(graded):
    root, *_ = graded
    for student in FORMS:
        cells = cells_of(root, student)
        assert "course_seed" in cells["check_double"].source


@pytest.mark.parametrize("student", [*UNREADABLE, "junk_timestamp"])
def test_one_that_cannot_be_read_is_one_row_and_the_exit_code(graded, student):
    root, done, *_ = graded
    assert done.returncode != 0
    assert f"for student '{student}'" in done.stdout + done.stderr
    assert re.search(rf"^ *{student} +NOT GRADED +\w+: ", done.stderr, re.MULTILINE)
    assert float(points(root).get(student) or 0) == 0


@pytest.mark.parametrize(
    ("student", "said"),
    [
        ("doubled", "is there more than once"),
        ("without_tests", "was missing and is there again"),
        ("endless", "double: No reply within 2 seconds"),
        ("exits", "ended"),
    ],
)
def test_what_was_amiss_with_one_that_is_graded_is_a_row_too(graded, student, said):
    _, done, *_ = graded
    rows = [line for line in done.stderr.splitlines() if line.split()[:2] == [student, "graded"]]
    assert any(said in row for row in rows), done.stderr[-3000:]


def test_files_beside_a_notebook_do_no_harm(graded):
    assert float(points(graded[0])["shadows"]) == 5


def test_a_link_is_not_followed(graded):
    root, done, *_ = graded
    assert float(points(root).get("links") or 0) == 0
    copied = root / "autograde" / "autograded" / "links" / NAME / "link"
    assert not copied.exists()


def test_nothing_of_the_course_has_changed(graded):
    root, _, before, _ = graded
    assert fingerprint(root) == before
    assert not list(root.rglob("planted"))
    assert not os.path.exists(os.path.join(tempfile.gettempdir(), "planted"))


def test_nothing_is_left_running(graded):
    root, _, _, running = graded
    left = [psutil.Process(pid) for pid in set(psutil.pids()) - running if psutil.pid_exists(pid)]
    # The sandboxes of other tests have parents that live; one that outlived its own has init.
    orphans = [p for p in left if p.ppid() == 1 and "sandbox" in str(p.cmdline())]
    ours = [p for p in left if str(root) in " ".join(p.cmdline())] + orphans
    assert ours == []


def test_no_script_and_no_hidden_test_reaches_a_feedback_page(graded):
    root, *_ = graded
    pages = list((root / "autograde" / "feedback").rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text().lower()
        for attack in ("<script>alert", 'href="javascript', "onerror=alert(2)>"):
            assert attack not in text, page
        tests = text if page.parent.parent.name != "reads_frames" else ""
        assert "number = course_seed()" not in tests and "begin hidden" not in tests
