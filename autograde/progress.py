"""What `nbgrader autograde` tells of a run: a bar while it lasts, then what was amiss.

nbgrader's own log has a traceback for each submission that it could not grade, in between the lines
on all others.
"""

import functools
import sys
from collections import defaultdict

from nbgrader.converters import Autograde
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tqdm import tqdm


class Progress:
    """One run.

    Args:
        total: number of submissions.
        stream: where it is told.
    """

    def __init__(self, total, stream):
        self.stream, self.student = stream, None
        self.amiss, self.failed = defaultdict(list), set()  # sentences by student; students
        self.bar = tqdm(total=total, unit="submission", file=stream, disable=not stream.isatty())

    def begin(self, student):
        """The next submission is looked at."""
        self.student = student
        self.bar.update()

    def note(self, sentence):
        """Something was amiss with this submission, which is graded all the same."""
        self.amiss[self.student].append(sentence)

    def fail(self, error):
        """This submission cannot be graded."""
        first = (str(error).strip() or "no message").splitlines()[0]
        self.amiss[self.student].insert(0, f"{type(error).__name__}: {first}"[:300])
        self.failed.add(self.student)
        self.bar.set_postfix_str(f"{len(self.failed)} not graded")

    def close(self):
        """Tell what was amiss: a row for each submission in which something was."""
        self.bar.close()
        if not self.amiss:
            return
        table = Table("submission", "", "what was amiss", box=box.SIMPLE_HEAD)
        for student, sentences in self.amiss.items():
            state = Text("NOT GRADED", "red") if student in self.failed else Text("graded")
            table.add_row(Text(student), state, Text("\n".join(sentences)))
        console = Console(file=self.stream, width=None if self.stream.isatty() else 160)
        console.print(table)
        if self.failed:
            console.print(
                f"{len(self.failed)} not graded. When they are mended or handed in anew, the same "
                "command grades them and nothing else."
            )


def tell(before, after, autograde=Autograde):
    """Have nbgrader's converter tell of its runs, in its attribute `progress`.

    Args:
        before, after: called before each run, and after it however it ends.
        autograde: the converter's class.
    """
    convert_all, look_at = autograde.convert_notebooks, autograde.init_destination

    def convert_notebooks(self):
        before()
        self.progress = Progress(len(self.assignments), sys.stderr)
        try:
            convert_all(self)
        finally:
            after()
            self.progress.close()

    def init_destination(self, assignment, student):
        self.progress.begin(student)
        return look_at(self, assignment, student)

    autograde.convert_notebooks, autograde.init_destination = convert_notebooks, init_destination
    for name in ("init_assignment", "convert_single_notebook"):
        setattr(autograde, name, _failing_aloud(getattr(autograde, name)))


def _failing_aloud(method):
    @functools.wraps(method)
    def failing_aloud(self, *arguments):
        try:
            return method(self, *arguments)
        except Exception as error:
            self.progress.fail(error)
            raise

    return failing_aloud
