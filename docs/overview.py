"""Draws docs/figures/overview.png, the README's picture: a cell unrolled, a mistake, its report.

make overview
"""

import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from lab import browser_page, jupyterlab, open_notebook, run_all, whole_notebooks  # noqa: E402

PICTURE = """\
from helpers import plots
from helpers.diagrams.shapes import draw_recurrence

plots.use_style()
plots.show(*draw_recurrence())
"""

# Above the picture and outside of the frame, since it is nearly the answer.
MISTAKE = """\
from autograde import check
from helpers import rnn_step_forward


def rnn_step_backward(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh
    return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)
"""

CHECK = "check(rnn_step_backward, forward=rnn_step_forward)"


def main():
    nb = new_notebook(cells=[new_code_cell(text.strip()) for text in (MISTAKE, PICTURE, CHECK)])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        course = scratch / "course"
        course.mkdir()
        nbformat.write(nb, course / "overview.ipynb")
        whole_notebooks(scratch)
        with jupyterlab(course, scratch) as address, browser_page("/usr/bin/chromium") as page:
            page.set_viewport_size({"width": 1350, "height": 1400})
            open_notebook(page, address, "overview.ipynb")
            run_all(page)
            page.locator(".jp-OutputArea [role=status]").wait_for()
            cells = page.locator(".jp-Notebook .jp-Cell")
            picture = cells.nth(1).locator(".jp-OutputArea img").bounding_box()
            report = page.locator(".jp-OutputArea [role=status]").bounding_box()
            left = report["x"]
            page.screenshot(
                path=ROOT / "docs" / "figures" / "overview.png",
                clip={
                    "x": left,
                    "y": picture["y"],
                    "width": report["width"] - 5,
                    "height": report["y"] + report["height"] - picture["y"],
                },
            )


if __name__ == "__main__":
    main()
