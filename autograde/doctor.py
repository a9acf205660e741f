"""Try each protection of the sandbox on this machine, from inside, as a submission could.

    python -m autograde doctor

Exit code: 0 if all of them are on, 1 otherwise.
"""

import argparse
import json
import os
import socket
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograde.sandbox.bubblewrap import ENVIRONMENT, ROOT
from autograde.sandbox.isolation import Limits, Sandbox, SandboxError
from autograde.sandbox.probe import ask

# Small, so that a protection that is off costs this machine little.
LIMITS = Limits(
    memory_bytes=256 << 20,
    cpu_seconds=1,
    file_bytes=1 << 20,
    folder_bytes=4 << 20,
    open_files=64,
    files=200,
    threads=16,
)
PRIVATE = ("course_seed", "gradebook.db", "submitted", "autograded", "feedback", "grades.csv")
MARKER = "RNN_BY_HAND_DOCTOR"


@dataclass(frozen=True)
class Probe:
    """One thing that a submission must not be able to do.

    Attributes:
        name: the protection, for the table.
        means: what it means if it is off.
        attack: Python code that sets `answer` to what it got, and to nothing if it got nothing.
            An OSError or a MemoryError says that it was refused.
        ends: how the process ends if the protection is one that kills it, or "".
        before: what an earlier submission did.
    """

    name: str
    means: str
    attack: str
    ends: str = ""
    before: str = ""

    def tried(self, sandbox, places):
        """Why the protection is off, or None if it is on."""
        for code in filter(None, (self.before, self.attack)):
            with sandbox.open() as process:
                said = ask(process, f"places = {places!r}\n{code}")
        if "ended" in said:
            held = bool(self.ends) and said["ended"].startswith(self.ends)
            return None if held else f"it ended with {said['ended']}"
        if "error" in said:
            refused = said["error"] in REFUSALS and not self.ends
            return None if refused else f"{said['error']}: {said['text']}"
        return str(said["answer"]) if said["answer"] or self.ends else None


REFUSALS = {"MemoryError"} | {
    error.__name__
    for error in vars(__import__("builtins")).values()
    if isinstance(error, type) and issubclass(error, OSError)
}

STATUS = """
with open("/proc/self/status") as file:
    status = dict(line.split(":", 1) for line in file)
"""
C_LIBRARY = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"

PROBES = (
    Probe(
        "network",
        "it can send what it reads to anyone",
        """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.connect(("192.0.2.1", 9))  # of a datagram socket: a look at the routes, nothing is sent
    answer = "a route"
""",
    ),
    Probe(
        "network name space",
        "the network is out of reach only as long as no socket can be made",
        """
with open("/proc/net/dev") as file:
    names = [line.split(":")[0].strip() for line in file if ":" in line]
answer = [name for name in names if name != "lo"]
""",
    ),
    Probe(
        "this machine's servers",
        "it can talk to your Jupyter and your database",
        """
import socket
socket.create_connection(("127.0.0.1", places["port"]), 2).close()
answer = "a connection"
""",
    ),
    Probe(
        "seed, solutions, grades",
        "it can read the hidden tests' seed, the solutions, the grades, other submissions",
        """
import os
answer = [path for path in places["private"] if os.path.lexists(path)]
""",
    ),
    Probe(
        "your home",
        "it can read your files",
        """
import os, sys
needed = tuple({sys.prefix, sys.base_prefix, *places["project"]})
for folder, folders, files in os.walk(places["home"]):
    folders[:] = [f for f in folders if not os.path.join(folder, f).startswith(needed)]
    found = [f for f in files if not os.path.join(folder, f).startswith(needed)]
    if found:
        answer = os.path.join(folder, found[0])
        break
""",
    ),
    Probe(
        "the rest of the disk",
        "it can read whatever you can",
        """
answer = open(places["canary"]).read()
""",
    ),
    Probe(
        "writing elsewhere",
        "it can change your files and leave some behind",
        """
import os, sys
answer = []
for folder in ["/", "/dev", "/dev/shm", "/etc", "/tmp", "/var/tmp", *places["folders"], sys.prefix]:
    path = os.path.join(folder, places["name"])
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except OSError:
        continue
    os.unlink(path)
    answer.append(folder)
""",
    ),
    Probe(
        "kernel settings",
        "it can have the kernel run a program as root",
        """
import os
os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
answer = "core_pattern"
""",
    ),
    Probe(
        "devices",
        "it can take /dev/null away from everyone on this machine",
        """
import os
mode = os.stat("/dev/null").st_mode
os.chmod("/dev/null", mode | 0o1000)  # a bit that means nothing there
answer = os.stat("/dev/null").st_mode != mode and "/dev/null"
os.chmod("/dev/null", mode)
""",
    ),
    Probe(
        "seeing processes",
        "it can see what else runs, and with which arguments",
        """
import os
answer = [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) not in (1, os.getpid())]
answer = len(answer)
""",
    ),
    Probe(
        "signalling processes",
        "it can kill the grading",
        """
import os
os.kill(places["pid"], 0)
answer = "a signal"
""",
    ),
    Probe(
        "new processes",
        "it can leave programs behind, or fill the machine with them",
        """
import os
if os.fork() == 0:
    os._exit(0)
answer = "fork"
""",
    ),
    Probe(
        "other programs",
        "it can run what is installed here",
        """
import os, sys
os.execv(sys.executable, [sys.executable, "-c", ""])
""",
    ),
    Probe(
        "new name spaces",
        "it can try the kernel's mounts and networks as root of its own",
        C_LIBRARY + "answer = libc.unshare(0x10000000) == 0 and 'a user name space'",
    ),
    Probe(
        "capabilities",
        "it has rights that only root should have",
        STATUS + "answer = [n for n in ('CapEff', 'CapPrm', 'CapInh', 'CapAmb')"
        " if int(status[n], 16)]",
    ),
    Probe(
        "set-uid programs",
        "a program can give it another user's rights",
        STATUS + "answer = int(status['NoNewPrivs']) == 0 and 'new privileges'",
    ),
    Probe(
        "tracing",
        "it can read and change the memory of the process that forks submissions",
        C_LIBRARY
        + """
import os
seize = 0x4206
answer = []
for name in ("environ", "mem"):
    try:
        open(f"/proc/{os.getppid()}/{name}", "rb").close()
        answer.append(name)
    except OSError:
        pass
if libc.ptrace(seize, os.getppid(), None, None) == 0:
    answer.append("ptrace")
""",
    ),
    Probe(
        "system call filter",
        "it can try system calls that no notebook needs",
        STATUS + "answer = int(status['Seccomp']) != 2 and 'no filter'",
    ),
    Probe(
        "memory limit",
        "it can take all memory",
        """
taken = bytearray(places["megabytes"] << 20)  # at once: page by page would meet the CPU limit first
answer = f"{len(taken) >> 20} MB"
""",
    ),
    Probe(
        "CPU limit",
        "it can keep a processor busy for ever",
        f"""
import time
while time.process_time() < {LIMITS.cpu_seconds + 1}:
    pass
""",
        ends="CPU limit",
    ),
    Probe(
        "file size limit",
        "it can fill the disk with one file",
        f"""
with open("big", "wb") as file:
    file.write(bytes({2 * LIMITS.file_bytes}))
answer = "a big file"
""",
    ),
    Probe(
        "work folder limit",
        "it can fill the disk with many files",
        f"""
for i in range({2 * LIMITS.folder_bytes // (LIMITS.file_bytes // 2)}):
    with open(str(i), "wb") as file:
        file.write(bytes({LIMITS.file_bytes // 2}))
answer = "a full folder"
""",
    ),
    Probe(
        "number of files",
        "it can fill the disk with empty files",
        f"""
import time
for i in range({5 * LIMITS.files}):
    open(str(i), "w").close()
time.sleep(1)
""",
        ends="limit of",
    ),
    Probe(
        "open files limit",
        "it can use up the system's file table",
        f"""
held = [open("/dev/null") for _ in range({2 * LIMITS.open_files})]
answer = f"{{len(held)}} open files"
""",
    ),
    Probe(
        "number of threads",
        "it can fill the machine with threads",
        f"""
import threading, time
for _ in range({2 * LIMITS.threads}):
    threading.Thread(target=time.sleep, args=(2,), daemon=True).start()
time.sleep(1)
""",
        ends="limit of",
    ),
    Probe(
        "kernel memory",
        "it can take memory that counts as nobody's",
        """
import socket
ends = []
for _ in range(20):
    ends += socket.socketpair()
    ends[-2].setblocking(False)
    ends[-2].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
answer = "large socket buffers"
""",
    ),
    Probe(
        "core dumps",
        "a crash writes its memory to the disk",
        """
import resource
answer = resource.getrlimit(resource.RLIMIT_CORE) != (0, 0) and "a core dump"
""",
    ),
    Probe(
        "environment",
        "it can read the passwords and keys that your environment has",
        """
import os
answer = [name for name in os.environ if name not in places["environment"]]
""",
    ),
    Probe(
        "leftovers",
        "it can read what the submission before it wrote",
        """
import os
answer = os.listdir(".") or os.stat(".").st_mode & 0o777 != 0o700 and "its mode"
""",
        before="""
import os
os.makedirs(".hidden/folder")
os.symlink("/", ".hidden/link")
open(".hidden/folder/file", "w").close()
os.chmod(".hidden", 0)
os.chmod(".", 0o500)
""",
    ),
)


@contextmanager
def bait():
    """What the attacks are after: a server, a file, a variable; gone at the end."""
    own = ROOT / "autograde"
    with tempfile.NamedTemporaryFile("w", prefix="canary-") as canary, socket.socket() as server:
        canary.write("canary")
        canary.flush()
        server.bind(("127.0.0.1", 0))
        server.listen()
        os.environ[MARKER] = "canary"
        try:
            yield {
                "port": server.getsockname()[1],
                "private": [str(ROOT / "solutions"), *(str(own / name) for name in PRIVATE)],
                "project": [str(own), str(ROOT / "helpers")],
                "home": str(Path.home()),
                "canary": canary.name,
                "name": f"canary-{os.getpid()}",
                "folders": [str(own), str(ROOT), str(ROOT / "helpers"), str(Path.home())],
                "pid": os.getpid(),
                "megabytes": 2 * LIMITS.memory_bytes >> 20,
                "environment": [*ENVIRONMENT, "HOME", "TMPDIR", "PWD", "MPLCONFIGDIR", "LC_CTYPE"],
            }
        finally:
            del os.environ[MARKER]


def examine(without=()):
    """Try every protection in a sandbox.

    Args:
        without: protections to leave off on purpose, as of `Sandbox`.

    Returns:
        {probe: None if its protection is on, else what the attack got}, and the sandbox's `off`.

    Raises:
        SandboxError: the sandbox does not work at all.
    """
    with bait() as places:
        with Sandbox("autograde.sandbox.probe:serve", LIMITS, without=without) as sandbox:
            return {probe: probe.tried(sandbox, places) for probe in PROBES}, sandbox.off


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m autograde", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("command", choices=["doctor"], help="try the sandbox's protections")
    parser.parse_args(arguments)
    console, start = Console(highlight=False), time.perf_counter()
    try:
        found, off = examine()
    except SandboxError as error:
        console.print(f"{error}", style="red", markup=False)
        return 1
    console.print(table(found))
    for sentence in off:
        console.print(Text(sentence, style="red"))
    holes = sum(why is not None for why in found.values())
    seconds = time.perf_counter() - start
    console.print(f"{len(found)} protections tried in {seconds:.0f} s, {holes or 'none'} off")
    return 1 if holes or off else 0


def table(found):
    shown = Table("protection", "", title="A submission's sandbox", title_justify="left")
    shown.box = box.SIMPLE_HEAD
    for probe, why in found.items():
        if why is None:
            shown.add_row(probe.name, Text("on", style="green"))
        else:
            said = f"OFF: {probe.means} (got {json.dumps(why)[:80]})"
            shown.add_row(probe.name, Text(said, style="red"))
    return shown
