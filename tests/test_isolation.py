"""Hostile submissions against the sandbox, and the same attacks where a protection is off.

Each attack is bounded by itself, beside the limit under test: so many processes, so many bytes, so
many seconds. A hole costs a test and not the machine.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from autograde import doctor
from autograde.sandbox import bubblewrap as inside_view
from autograde.sandbox import channel, syscalls
from autograde.sandbox.isolation import Limits, Sandbox, SandboxError
from autograde.sandbox.parent import wipe
from autograde.sandbox.probe import ask

# One worker, which looks at what its sandboxes leave behind.
pytestmark = pytest.mark.xdist_group("isolation")
SERVE = "autograde.sandbox.probe:serve"
WARM = ("numpy",)
LIMITS = Limits(memory_bytes=256 << 20, cpu_seconds=1, file_bytes=1 << 20, folder_bytes=8 << 20)
# Nothing outside may be meant by a signal to everyone.
IN_A_NAME_SPACE_OF_ITS_OWN = f"""
import os
assert os.readlink("/proc/self/ns/pid") != {os.readlink("/proc/self/ns/pid")!r}
assert os.getppid() == 1
"""


def running(sandbox):
    """The processes inside, by pid; without bubblewrap the warm Python counts as well."""
    outer = psutil.Process(sandbox._inside._popen.pid)
    return [p.pid for p in outer.children(recursive=True)]


def started(limits=LIMITS, without=(), warm=WARM):
    sandbox = Sandbox(SERVE, limits, warm, without=without)
    sandbox.start()
    return sandbox


@pytest.fixture(scope="module")
def locked(bubblewrap):
    """A sandbox with everything on."""
    with started() as sandbox:
        assert (sandbox.protections, sandbox.off) == (("bubblewrap", "seccomp", "limits"), [])
        yield sandbox


@pytest.fixture(scope="module")
def unfiltered(bubblewrap):
    """A sandbox whose submissions can start processes and send signals: bubblewrap alone holds."""
    with started(without=["seccomp"]) as sandbox:
        assert sandbox.protections == ("bubblewrap", "limits")
        yield sandbox


@pytest.fixture(scope="module")
def plain():
    """A sandbox as on a machine without bubblewrap."""
    with started(without=["bubblewrap"]) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def nothing_left(request):
    """After each test every sandbox that is still there serves, and has no process but its own."""
    yield
    for name in ("locked", "unfiltered", "plain"):
        if name in request.fixturenames:
            sandbox = request.getfixturevalue(name)
            assert sandbox._process is None, "a test leaves its submission open"
            assert run(sandbox, "import os\nanswer = os.listdir('.')") == {"answer": []}
            assert len(running(sandbox)) == (0 if name == "plain" else 1)


@pytest.fixture(scope="module", autouse=True)
def nothing_left_at_the_end(tmp_path_factory):
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    own = tmp_path_factory.mktemp("temporary")  # other tests make work folders too
    usual, tempfile.tempdir = tempfile.tempdir, str(own)
    yield
    tempfile.tempdir = usual
    deadline = time.monotonic() + 5
    while left := {p.pid for p in psutil.Process().children(recursive=True)} - before:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)
    assert not [name for name in os.listdir(own) if name.startswith("submission-")]


def run(sandbox, code, files=()):
    with sandbox.open(files) as process:
        return ask(process, code)


# ----------------------------------------------------------------------------------- what it is for


def test_a_submission_has_its_files_its_folder_and_a_warm_numpy(locked):
    code = """
import os, sys
answer = [sorted(os.listdir(".")), open("data/a.txt").read(), os.getcwd(), "numpy" in sys.modules]
"""
    files = {"data/a.txt": b"one", "b.bin": bytes(1000)}
    expected = [["b.bin", "data"], "one", "/submission", True]
    assert run(locked, code, files) == {"answer": expected}


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "a/../../b", "", ".", "a\0b"])
def test_a_file_cannot_be_put_outside_the_work_folder(locked, name):
    with pytest.raises(ValueError, match="expected names inside the work folder"):
        locked.open({name: b""})


def test_more_files_than_the_work_folder_holds_are_refused(locked):
    with pytest.raises(ValueError, match="expected at most 8388608 bytes, got 8388609"):
        locked.open({"a": bytes(LIMITS.folder_bytes + 1)})


def test_one_submission_at_a_time(locked):
    with locked.open(), pytest.raises(RuntimeError, match="expected the last Process closed"):
        locked.open()


def test_threads_work(locked, unfiltered):
    code = """
import threading, numpy
def work():
    names.append(float((numpy.ones((50, 50)) @ numpy.ones((50, 50))).sum()))
names = []
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
answer = names
"""
    assert run(locked, code) == run(unfiltered, code) == {"answer": [125_000.0] * 8}


def test_a_figure_is_drawn_and_the_font_list_is_made_once(bubblewrap):
    code = """
import matplotlib.pyplot, matplotlib.font_manager, os
matplotlib.pyplot.figure().savefig("figure.png")
answer = [os.path.getsize("figure.png") > 1000, len(matplotlib.font_manager.fontManager.ttflist)]
"""
    with started(warm=["matplotlib.pyplot"]) as sandbox:
        drawn, fonts = run(sandbox, code)["answer"]
        assert drawn and fonts > 1
        sandbox.close()
        ((name, text),) = sandbox._fonts.items()
        cache = json.loads(text)
        cache["ttflist"] = cache["ttflist"][:1]
        sandbox._fonts[name] = json.dumps(cache)
        sandbox.start()
        assert run(sandbox, code) == {"answer": [True, 1]}


ENDS = {
    "import os; os._exit(3)": "exit code 3",
    "raise SystemExit(4)": "exit code 1",
    "import ctypes; ctypes.string_at(0)": "signal 11 (segmentation fault)",
    "import os; os.abort()": "signal 6 (aborted)",
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": "signal 9 (killed)",
    "while True: pass": "CPU limit of 1 s",
    "sock.shutdown(2)": "exit code 1",
    "sock.close(); import os; os.close(3); import time; time.sleep(60)": None,
}


@pytest.mark.parametrize("code, how", ENDS.items(), ids=range(len(ENDS)))
def test_how_it_ended_is_told_in_words(locked, plain, code, how):
    for sandbox in (locked, plain):
        with sandbox.open() as process:
            ask(process, code)
            assert process.wait(10 if how else 0.1) == how


def test_it_is_known_that_it_runs(locked):
    with locked.open() as process:
        assert process.wait(0.05) is None
        assert ask(process, "answer = 1") == {"answer": 1}
        process.kill()
        assert process.wait(5) == process.wait(5) == "killed"


def test_how_it_ended_is_known_after_the_close_too(locked):
    with locked.open() as first:
        ask(first, "import os; os._exit(7)")
    with locked.open() as second:
        assert first.wait(1) == "exit code 7"
        first.kill(), first.interrupt(), first.close()
        assert ask(second, "answer = 1") == {"answer": 1}
    assert second.wait(1) == "killed"


def test_an_interrupt_is_a_keyboard_interrupt(locked, plain):
    code = """
import time
try:
    sock.sendall(b"now")
    time.sleep(20)
except KeyboardInterrupt:
    answer = "interrupted"
"""
    for sandbox in (locked, plain):
        with sandbox.open() as process:
            process.socket.sendall(json.dumps(code).encode() + b"\n")
            assert process.socket.recv(3) == b"now"
            process.interrupt()
            assert process.socket.recv(100) == b'{"answer": "interrupted"}\n'


# --------------------------------------------------------------------------------- every protection


@pytest.fixture(scope="module")
def examined(bubblewrap):
    return doctor.examine()


@pytest.fixture(scope="module")
def examined_without():
    return doctor.examine(without=["bubblewrap", "seccomp", "limits"])


@pytest.mark.parametrize("probe", doctor.PROBES, ids=lambda probe: probe.name)
def test_the_protection_is_on(examined, probe):
    assert examined[0][probe] is None


# What the warm Python and its child see to by themselves, wherever they run.
ALWAYS_ON = {"core dumps", "environment", "leftovers", "set-uid programs"}
BY_MACHINE = {"network", "network name space", "your home", "seed, solutions, grades"}
# What the kernel itself refuses to everyone but root.
OF_ROOT = {"capabilities", "devices", "kernel settings", "tracing"}


def anything(attack, places):
    """Whether an attack that only looks gets anything in this very process."""
    names = {"places": places, "answer": None}
    try:
        exec(attack, names)
    except OSError:
        return False
    return bool(names["answer"])


@pytest.mark.parametrize("probe", doctor.PROBES, ids=lambda probe: probe.name)
def test_the_probe_succeeds_where_the_protection_is_off(examined_without, probe):
    if probe.name in BY_MACHINE:  # one without a network, or with an empty home
        with doctor.bait() as places:
            assert (examined_without[0][probe] is not None) == anything(probe.attack, places)
    elif probe.name in ALWAYS_ON:
        assert examined_without[0][probe] is None
    elif probe.name in OF_ROOT and os.geteuid() != 0:
        assert examined_without[0][probe] is None
    else:
        assert examined_without[0][probe] is not None


HEAVY = {"CPU limit", "memory limit", "number of files", "number of threads"}


def test_bubblewrap_alone_keeps_most_out(unfiltered):
    with doctor.bait() as places:
        tried = {p.name: p.tried(unfiltered, places) for p in doctor.PROBES if p.name not in HEAVY}
    off = {name for name, why in tried.items() if why is not None}
    # The doctor's own limits are smaller than this sandbox's.
    by_number = {"work folder limit", "open files limit"}
    holes = {"new processes", "other programs", "system call filter", "kernel memory"}
    assert off - by_number == holes | ({"devices"} if os.geteuid() == 0 else set())


def test_the_doctor_says_what_is_off(monkeypatch, capsys):
    found = {probe: None for probe in doctor.PROBES}
    monkeypatch.setattr(doctor, "examine", lambda: (found, []))
    assert doctor.main(["doctor"]) == 0
    assert "OFF" not in capsys.readouterr().out
    found[doctor.PROBES[0]] = "a route"
    assert doctor.main(["doctor"]) == 1
    assert "OFF: it can send what it reads to anyone" in capsys.readouterr().out
    found[doctor.PROBES[0]] = None
    monkeypatch.setattr(doctor, "examine", lambda: (found, ["seccomp is missing"]))
    assert doctor.main(["doctor"]) == 1
    assert "seccomp is missing" in capsys.readouterr().out


def test_a_probe_that_cannot_be_tried_counts_as_off(locked):
    for code in ["answer = undefined", "import nothing_of_this_name", "1 +"]:
        assert doctor.Probe("a name", "a meaning", code).tried(locked, {}) is not None


def test_what_is_the_instructors_is_hidden_even_below_a_readable_folder(bubblewrap, monkeypatch):
    """As with a course whose project lies in the Python environment itself."""
    course = Path(tempfile.mkdtemp(prefix="course-"))
    try:
        for room in ("autograde", "helpers"):
            shutil.copytree(inside_view.ROOT / room, course / room)
        private = ["course_seed", "gradebook.db", "submitted/ann/01.ipynb", "feedback/ann/01.html"]
        for name in private:
            path = course / "autograde" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("secret")
        monkeypatch.setattr(inside_view, "ROOT", course)
        code = f"""
import os
answer = [name for name in {private!r} if os.path.exists(f"{course}/autograde/" + name)]
"""
        sandbox = Sandbox(SERVE, LIMITS, WARM, readable=[course])
        with sandbox:
            assert run(sandbox, code) == {"answer": []}
            visible = f"import os; answer = os.path.exists('{course}/autograde/check.py')"
            assert run(sandbox, visible) == {"answer": True}
        with Sandbox(SERVE, LIMITS, WARM, without=["bubblewrap"]) as sandbox:
            assert run(sandbox, code) == {"answer": private}
    finally:
        shutil.rmtree(course)


# ------------------------------------------------------------------------------ hostile submissions


def test_a_fork_bomb_gets_no_process(locked):
    code = """
import os, time
answer = 0
for _ in range(100):
    try:
        if os.fork() == 0:
            time.sleep(3)
            os._exit(0)
        answer += 1
    except PermissionError:
        pass
"""
    assert run(locked, code) == {"answer": 0}


def test_a_daemon_dies_with_its_submission(unfiltered):
    """Were the filter to fail: what is left is killed, also out of its session."""
    code = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(30)
    os._exit(0)
answer = "left"
"""
    with unfiltered.open() as process:
        assert ask(process, code) == {"answer": "left"}
        assert len(running(unfiltered)) > 2
        process.socket.close()
    assert len(running(unfiltered)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="subreapers are Linux's")
def test_a_daemon_dies_without_bubblewrap_too():
    code = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(30)
    os._exit(0)
answer = "left"
"""
    with started(without=["bubblewrap", "seccomp"]) as sandbox:
        with sandbox.open() as process:
            assert ask(process, code) == {"answer": "left"}
            assert len(running(sandbox)) >= 2
        assert running(sandbox) == []


def test_a_thread_left_behind_dies_with_its_submission(locked):
    code = """
import threading
def work():
    while True:
        pass
threading.Thread(target=work, daemon=True).start()
"""
    with locked.open() as process:
        assert ask(process, code) == {"answer": None}
        assert process.wait(0.1) is None


def test_a_loop_that_ignores_every_interrupt_is_killed(locked, plain):
    code = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
sock.sendall(b"now")
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
"""
    for sandbox in (locked, plain):
        with sandbox.open() as process:
            process.socket.sendall(json.dumps(code).encode() + b"\n")
            assert process.socket.recv(3) == b"now"
            process.interrupt()
            assert process.wait(0.2) is None
            process.kill()
            assert process.wait(5) == "killed"


def test_the_parent_outlives_every_signal_from_inside(unfiltered):
    code = (
        IN_A_NAME_SPACE_OF_ITS_OWN
        + """
answer = 0
for number in range(1, 65):
    try:
        os.kill(1, number)
        answer += 1
    except OSError:
        pass
"""
    )
    warm = running(unfiltered)
    assert run(unfiltered, code)["answer"] > 60
    said = run(unfiltered, IN_A_NAME_SPACE_OF_ITS_OWN + "os.kill(-1, 9)")
    assert said["error"] == "ProcessLookupError"  # there is nobody but itself and the parent
    assert running(unfiltered) == warm


def test_no_signal_to_anyone_gets_past_the_filter(locked, plain):
    code = """
import os
answer = []
for pid in (0, 1, -1, os.getppid(), -os.getppid()):
    try:
        os.kill(pid, 0)
        answer.append(pid)
    except PermissionError:
        pass
os.kill(os.getpid(), 0)
"""
    for sandbox in (locked, plain):
        assert run(sandbox, code) == {"answer": []}


def test_the_parent_cannot_be_read(unfiltered):
    code = (
        IN_A_NAME_SPACE_OF_ITS_OWN
        + """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
answer = ["ptrace"] if libc.ptrace(0x4206, 1, None, None) == 0 else []
for name in ("environ", "mem", "maps", "auxv", "fd/0", "fd/3", "fd/4", "cwd", "root", "exe"):
    for get in (os.readlink, lambda path: open(path, "rb").read(1)):
        try:
            get(f"/proc/1/{name}")
            answer.append(name)
        except OSError:
            pass
"""
    )
    assert run(unfiltered, code) == {"answer": []}


def test_a_submission_holds_its_socket_and_nothing_else(locked, plain):
    code = """
import os
answer = []
for fd in range(1024):
    try:
        kind = os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        continue
    answer.append(kind if kind == "/dev/null" else kind.partition(":")[0])
    if fd > 2:
        try:
            os.write(fd, b"") or os.set_inheritable(fd, True)
        except OSError:
            pass
"""
    for sandbox in (locked, plain):
        said = run(sandbox, code)["answer"]
        assert said == ["/dev/null"] * 3 + ["socket"]


def test_nobody_waits_for_a_flood_or_for_one_who_never_reads(locked):
    with locked.open() as process:
        process.socket.sendall(b'"while True: sock.sendall(bytes(1 << 20))"\n')
        assert len(process.socket.recv(1 << 16)) > 0
        start = time.monotonic()
    assert time.monotonic() - start < 5
    with locked.open() as process:
        process.socket.sendall(b'"import time; time.sleep(60)"\n')
        process.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            process.socket.sendall(bytes(1 << 24))


def test_a_socket_closed_from_inside_reads_as_its_end(locked):
    with locked.open() as process:
        process.socket.sendall(b'"sock.shutdown(2)"\n')
        assert process.socket.recv(100) == b""


LEFT = {
    "links": "import os; os.symlink('/', 'root'); os.symlink('..', 'up'); os.symlink('x', 'x')",
    "a deep tree": """
import os
for _ in range(1200):  # more than Python's stack is deep
    os.mkdir("d")
    os.chdir("d")
open("f", "w").close()
""",
    "long names": """
import os
for _ in range(100):
    os.mkdir("d" * 255)
    os.chdir("d" * 255)
""",
    "locked folders": """
import os
os.makedirs("a/b/c")
open("a/b/f", "w").close()
for name in ("a/b/c", "a/b", "a", "."):
    os.chmod(name, 0)
""",
    "pipes and sockets": """
import os, socket
os.mkfifo("fifo")
""",
    "names that are no text": r"""
import os
os.mkdir(b"\xff\xfe")
open(b"\xff\xfe/\n", "w").close()
""",
}


@pytest.mark.parametrize("code", LEFT.values(), ids=LEFT)
def test_nothing_is_left_in_the_work_folder(locked, unfiltered, plain, code):
    for sandbox in (locked, unfiltered, plain):
        inside = sandbox._inside
        assert run(sandbox, code) == {"answer": None}
        look = """
import os
answer = [os.listdir("."), oct(os.stat(".").st_mode), os.stat(".").st_mtime]
"""
        assert run(sandbox, look) == {"answer": [[], "0o40700", 0]}
        assert sandbox._inside is inside, "it was thrown away for it"


def test_wiping_follows_no_link(tmp_path):
    work, mine = tmp_path / "work", tmp_path / "mine"
    for folder in (work, mine):
        (folder / "a").mkdir(parents=True)
    (mine / "a" / "file").write_text("mine")
    (work / "a" / "link").symlink_to(mine)
    (work / "link").symlink_to(mine)
    wipe(work)
    assert list(work.iterdir()) == []
    assert (mine / "a" / "file").read_text() == "mine"


# ------------------------------------------------------------ a sandbox that is not as it should be


def garbage(sandbox):
    sandbox._inside._received += b"\xff\x00 garbage\n"


def far_too_much(sandbox):
    sandbox._inside._received += bytes(channel.LINE_BYTES + 1)


def dead(sandbox):
    psutil.Process(running(sandbox)[0]).kill()


def stopped(sandbox):
    psutil.Process(running(sandbox)[0]).suspend()


@pytest.mark.parametrize("trouble", [garbage, far_too_much, dead, stopped])
def test_a_sandbox_in_trouble_is_thrown_away(bubblewrap, monkeypatch, trouble):
    for patience in ("ANSWER_SECONDS", "CLEAN_SECONDS", "END_SECONDS"):
        monkeypatch.setattr(channel, patience, 0.5)
    with started() as sandbox:
        first = sandbox._inside
        process = sandbox.open()
        trouble(sandbox)
        process.close()
        assert run(sandbox, "answer = 1") == {"answer": 1}
        assert sandbox._inside is not first
        second = sandbox._inside
        trouble(sandbox)
        assert run(sandbox, "answer = 2") == {"answer": 2}
        assert sandbox._inside is not second
        assert sandbox.protections == ("bubblewrap", "seccomp", "limits")


def test_a_sandbox_that_dies_under_a_submission_is_told(bubblewrap):
    with started() as sandbox, sandbox.open() as process:
        dead(sandbox)
        assert process.wait(5) == process.wait(5) == "the sandbox itself ended"
        process.interrupt()
        process.kill()


@pytest.mark.parametrize("what", ["serve", "warm"])
def test_a_sandbox_that_cannot_start_says_why(what):
    made = {"serve": "helpers:nothing_of_this_name", "warm": ["nothing_of_this_name"]}
    sandbox = Sandbox(**{"serve": SERVE, "warm": WARM, what: made[what]})
    with pytest.raises(SandboxError, match="nothing_of_this_name"):
        sandbox.start()


# --------------------------------------------------------------------------- without a protection


def test_without_bubblewrap_it_works_and_says_what_is_off(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with started() as sandbox:
        assert sandbox.protections == ("seccomp", "limits")
        (said,) = sandbox.off
        assert said.startswith("bubblewrap is missing (apt-get install bubblewrap): ")
        assert "a submission can read your files" in said
        assert run(sandbox, "import os; answer = os.getpid()")["answer"] != os.getpid()
        folder = sandbox._inside.folder
        assert os.path.isdir(folder)
    assert not os.path.exists(folder)


def test_a_bubblewrap_that_is_refused_is_tried_and_not_believed(tmp_path, monkeypatch):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with started() as sandbox:
        assert "bubblewrap was refused" in sandbox.off[0]
        assert "No permissions to create new namespace" in sandbox.off[0]
        assert run(sandbox, "answer = 1") == {"answer": 1}


def test_without_seccomp_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    syscalls.compiled_filter.cache_clear()
    with started(without=["bubblewrap"]) as sandbox:
        assert sandbox.protections == ("limits",)
        assert "pip install pyseccomp" in sandbox.off[1]
        assert run(sandbox, "import os; os.fork() or os._exit(0)") == {"answer": None}
    syscalls.compiled_filter.cache_clear()


def test_a_protection_that_was_on_does_not_go_off_in_silence(bubblewrap, monkeypatch):
    with started() as sandbox:
        sandbox.close()
        monkeypatch.setattr(shutil, "which", lambda name: None)
        with pytest.raises(SandboxError, match="all it needs: bubblewrap is missing"):
            sandbox.open()
        assert sandbox._inside is None


def test_a_bubblewrap_that_cannot_be_run_is_no_reason_to_do_without(tmp_path, monkeypatch):
    broken = tmp_path / "bwrap"
    broken.write_bytes(b"\x7fELF no program")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(SandboxError, match="format error"):
        Sandbox(SERVE, LIMITS, WARM).start()


def test_a_sandbox_does_not_start_without_what_it_needs():
    sandbox = Sandbox(SERVE, LIMITS, WARM, without=["seccomp"], needs=["seccomp"])
    with pytest.raises(SandboxError, match="seccomp is switched off"):
        sandbox.start()


def test_a_bubblewrap_that_is_slow_is_not_given_up(bubblewrap, monkeypatch):
    """Else a machine under load would grade without it."""
    monkeypatch.setattr(channel, "START_SECONDS", 0.01)
    monkeypatch.setattr(channel, "END_SECONDS", 0.1)
    sandbox = Sandbox(SERVE, LIMITS, WARM)
    with pytest.raises(SandboxError, match="timed out"):
        sandbox.start()
    assert sandbox._inside is None
