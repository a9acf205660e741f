"""The nbgrader course in this folder: where things are, and how they are graded.

nbgrader reads this file from the folder it is started in, so run its commands from here. A copy in
another folder, beside a copy of solutions/, is a course of its own.
"""

import os
import sys
from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ComputeChecksums,
    GetGrades,
    IncludeHeaderFooter,
    InstantiateTests,
    LimitOutput,
    LockCells,
    SaveAutoGrades,
    SaveCells,
)

from autograde.nbgrader_plugin import HalfDone, NamedStubs, SandboxedExecute, TrustedCells
from autograde.seed import set_course_seed

# nbgrader starts `alembic` by its name when it makes a gradebook: let it find this environment's,
# also for someone who ran .venv/bin/nbgrader without activating the environment.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

# Graders run side by side, one a core: none of them needs two threads for its matrix products.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

root = Path(__file__).resolve().parent
private = root / "autograde"  # git ignores all that is named below it
private.mkdir(exist_ok=True)
set_course_seed(private / "course_seed")

c = get_config()  # noqa: F821 (nbgrader provides it)

c.CourseDirectory.root = str(root)
c.CourseDirectory.course_id = "rnn-by-hand"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
c.CourseDirectory.submitted_directory = "autograde/submitted"
c.CourseDirectory.autograded_directory = "autograde/autograded"
c.CourseDirectory.feedback_directory = "autograde/feedback"
c.CourseDirectory.solution_directory = "autograde/solution"
c.CourseDirectory.source_with_tests_directory = "autograde/source_with_tests"
c.CourseDirectory.db_url = f"sqlite:///{private / 'gradebook.db'}"
c.ExportPlugin.to = str(private / "grades.csv")

# Copied beside a notebook: its figures, and nothing that could hold an answer or hide a module.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "__pycache__",
    "*.py",
    "*.pyc",
    "*.md",
    "feedback",
]

# nbgrader's own list, with our stubs in the place of ClearSolutions.
c.GenerateAssignment.preprocessors = [
    IncludeHeaderFooter,
    InstantiateTests,
    LockCells,
    NamedStubs,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,
    CheckCellMetadata,
]

# Grading runs what earns points: no training, no pictures, and no cell for longer than 30 seconds.
# On a time-out the cell is interrupted; it keeps its error and the next one runs.
# Cells' metadata are the source's own, which generate_assignment has checked: once is enough.
c.Execute.timeout = 30
half_done = HalfDone(private / "half_done")
half_done.remove()
c.Autograde.pre_convert_hook = half_done.begin
c.Autograde.post_convert_hook = half_done.end
c.Autograde.sanitize_preprocessors = [TrustedCells]
c.Autograde.autograde_preprocessors = [
    SandboxedExecute,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
]

# A feedback page shows the tests that the release shows.
c.GenerateFeedback.preprocessors = [ClearHiddenTests, GetGrades, CSSHTMLHeaderPreprocessor]
