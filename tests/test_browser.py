"""Each notebook in JupyterLab, in a real browser: run, an explorer's slider moved, a mistake made.

Set RNN_SCREENSHOTS to a folder to keep what the browser showed.
"""

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from lab import browser_page, jupyterlab, open_notebook, run_all, whole_notebooks
from notebook_runner import NAMES
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parent.parent
# Half a minute and more of training each: `make test-slow` opens these.
LONG = {
    "06_lstm_gates",
    "07_gru",
    "08_captioning_attention",
    "09_deep_language_model",
    "10_seq2seq",
    "11_interpretable_units",
    "12_draw",
}
TROUBLE = "[data-mime-type='application/vnd.jupyter.stderr'], [data-mime-type*='jupyter.error']"

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a copy of the course, for all tests of this file; yields (address, folder)."""
    scratch = tmp_path_factory.mktemp("lab")
    course = scratch / "course"
    for room in ("solutions", "notebooks"):
        if (ROOT / room).exists():
            shutil.copytree(ROOT / room, course / room)
    whole_notebooks(scratch)
    with jupyterlab(course, scratch) as address:
        yield address, course


@pytest.fixture
def page(chromium):
    with browser_page(chromium) as page:
        yield page


def keep(page, name):
    """A screenshot for a person to look at."""
    if folder := os.environ.get("RNN_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")


def keep_whole(page, name):
    """Screenshots of the notebook from top to bottom."""
    if not os.environ.get("RNN_SCREENSHOTS"):
        return
    page.set_viewport_size({"width": 1400, "height": 2200})
    panel = page.locator(".jp-Notebook .jp-WindowedPanel-outer")
    height, step = panel.evaluate("e => [e.scrollHeight, e.clientHeight]")
    for k in range(-(-height // step)):
        panel.evaluate("(e, top) => e.scrollTo(0, top)", k * step)
        page.wait_for_timeout(400)
        keep(page, f"{name}-{k:02}")
    page.set_viewport_size({"width": 1400, "height": 900})


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in NAMES]
)
def test_run_all_and_explore(lab, page, name):
    address, _ = lab
    open_notebook(page, address, f"solutions/{name}/{name}.ipynb")
    run_all(page)
    trouble = page.locator(f".jp-CodeCell :is({TROUBLE})")
    assert trouble.count() == 0, trouble.all_inner_texts()
    assert page.locator(".jp-OutputArea img").count() > 0
    silent = page.locator(".jp-Notebook img:not([alt]), .jp-Notebook img[alt='']")
    assert silent.count() == 0, "a picture has no alt text"
    assert page.locator(".jp-Notebook mjx-container, .jp-Notebook .MathJax").count() > 0
    keep_whole(page, f"{name}-run")

    explorers = page.locator(".jp-CodeCell:has(.noUi-handle):has(.jp-OutputArea img)")
    assert explorers.count() > 0, "no explorer with a slider"
    for k in range(explorers.count()):
        explorer = explorers.nth(k)
        explorer.scroll_into_view_if_needed()
        picture = explorer.locator(".jp-OutputArea img").last
        before, words = picture.get_attribute("src"), picture.get_attribute("alt")
        handle = explorer.locator(".noUi-handle").first
        at_top = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        handle.focus()
        page.keyboard.press("ArrowLeft" if at_top else "ArrowRight")
        expect(picture).not_to_have_attribute("src", before, timeout=20_000)
        expect(picture).not_to_have_attribute("alt", words)
        keep(page, f"{name}-explorer-{k}")


WRONG = """
import numpy as np

from autograde import check
from helpers import rnn_step_forward


def rnn_step_backward(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh  # the derivative of tanh is forgotten
    return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)


check(rnn_step_backward, forward=rnn_step_forward)
"""


def test_a_mistake_shows_a_report_and_no_traceback(lab, page):
    address, course = lab
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(WRONG.strip())])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(nb, course / "wrong.ipynb")
    open_notebook(page, address, "wrong.ipynb")
    run_all(page)
    report = page.locator(".jp-OutputArea [role=status]")
    report.wait_for()
    assert "not yet right" in report.inner_text()
    assert "tanh derivative left out" in report.inner_text()
    error = page.locator(".jp-OutputArea-output").last.inner_text()
    assert error.strip() == "CheckFailed: 03 · rnn_step_backward: not yet right"
    keep(page, "a-mistake")


@pytest.mark.parametrize("name", NAMES)
def test_a_blank_notebook_says_what_is_to_be_written(lab, page, name):
    address, course = lab
    open_notebook(page, address, f"notebooks/{name}/{name}.ipynb")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.jp-Notebook img')]"
        ".every(img => img.complete && img.naturalWidth > 0)"
    )
    source = page.locator(".jp-Notebook").inner_text()
    assert "raise NotImplementedError" in source and "BEGIN SOLUTION" not in source
    keep_whole(page, f"{name}-blank")
