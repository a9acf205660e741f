"""What a check found, as a table in a notebook and as text everywhere else."""

import html
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """Why an answer is not right.

    Attributes:
        kind: which kind of test failed; see `KINDS`.
        quantity: the returned array or the argument concerned, or None.
        mistake: the known mistake that gives this very answer, or None.
        message: sentences for the student.
    """

    kind: str
    message: str
    quantity: str | None = None
    mistake: str | None = None


# In the order in which they are tried, with the words that the report shows.
KINDS = {
    "signature": "takes the right arguments",
    "runs": "runs",
    "type": "returns the right types",
    "shape": "returns the right shapes",
    "dtype": "keeps the dtype",
    "finite": "returns finite numbers",
    "unchanged": "leaves its arguments alone",
    "repeatable": "gives the same answer when called again",
    "values": "values",
    "gradients": "gradients",
    "edge": "edge cases",
    "own": "is not the course's own answer",
}


@dataclass
class Report:
    """The outcome of one check.

    Attributes:
        exercise: name of the exercise.
        title: notebook number and exercise name.
        kinds: the kinds of test that this exercise has, in order.
        measured: rows (quantity, shape, error, allowed, right) of the compared arrays.
        finding: the first thing that is not right, or None.
        worst: the largest error on any problem, as a multiple of what is allowed.
        notes: further sentences for the student.
    """

    exercise: str
    title: str
    kinds: tuple[str, ...]
    finding: Finding | None = None
    measured: list[tuple] = field(default_factory=list)
    worst: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def passed(self):
        return self.finding is None

    def rows(self):
        """(mark, words) for each kind of test: '✓' held, '✗' did not, '·' not tried."""
        marks, failed = [], False
        for kind in self.kinds:
            here = self.finding is not None and self.finding.kind == kind
            failed = failed or here
            mark = "✗" if here else "·" if failed else "✓"
            marks.append((mark, KINDS[kind]))
        return marks

    @property
    def verdict(self):
        return f"{self.title}: {'right' if self.passed else 'not yet right'}"

    @property
    def sentences(self):
        """The finding's message and the notes, one paragraph each."""
        return ([] if self.passed else [self.finding.message]) + self.notes

    def __str__(self):
        lines = [self.verdict, *self.sentences]
        lines += [f"  {mark} {words}" for mark, words in self.rows()]
        lines += [
            f"  {_mark(right)} {name} {shape}: error {error:.1e}, allowed {allowed:.0e}"
            for name, shape, error, allowed, right in self.measured
        ]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self):
        def cells(*texts):
            return "".join(f'<td style="text-align:left">{html.escape(str(t))}</td>' for t in texts)

        color = "#009E73" if self.passed else "#D55E00"
        rows = "".join(f"<tr>{cells(*row)}</tr>" for row in self.rows())
        parts = [
            f'<div style="border-left:4px solid {color};padding-left:10px" role="status">',
            f"<p><strong>{html.escape(self.verdict)}</strong></p>",
            *(f"<p style='white-space:pre-wrap'>{html.escape(s)}</p>" for s in self.sentences),
        ]
        if self.measured:
            head = "".join(
                f'<th style="text-align:left" scope="col">{h}</th>'
                for h in ("", "quantity", "shape", "error", "allowed")
            )
            body = "".join(
                f"<tr>{cells(_mark(right), name, shape, f'{error:.1e}', f'{allowed:.0e}')}</tr>"
                for name, shape, error, allowed, right in self.measured
            )
            parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
        parts.append(
            f"<details{' open' if not (self.passed or self.measured) else ''}>"
            "<summary>what was tried</summary>"
            f"<table><tbody>{rows}</tbody></table></details></div>"
        )
        return "".join(parts)


def _mark(right):
    return "✓" if right else "✗"


class CheckFailed(AssertionError):
    """An answer is not right; the text says where and why.

    Attributes:
        report: the whole report.
        exercise, kind, quantity, mistake: its main fields.
        shown: whether a notebook displays the report already.
    """

    def __init__(self, report, shown=False):
        super().__init__(str(report))
        self.report = report
        self.exercise = report.exercise
        self.kind = report.finding.kind
        self.quantity = report.finding.quantity
        self.mistake = report.finding.mistake
        self.shown = shown

    def _render_traceback_(self):
        """In a notebook, the message instead of a traceback through the checker."""
        return [f"CheckFailed: {self.report.verdict}" if self.shown else f"CheckFailed: {self}"]
