"""How work is graded: what is asked, how it is checked, how it is run."""

from autograde.check import check
from autograde.report import CheckFailed
from autograde.seed import course_seed

__all__ = ["CheckFailed", "check", "course_seed"]
