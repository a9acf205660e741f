"""JupyterLab as `make lab` starts it, and a browser to look at it with."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from playwright.sync_api import sync_playwright

TOKEN = "a-token-for-the-tests"
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def server_arguments(port):
    """Options for a server without a browser of its own, at this port, with the tests' token."""
    return [
        "--LanguageServerManager.autodetect=False",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        "--no-browser",
        "--allow-root",
    ]


@contextlib.contextmanager
def jupyterlab(root, scratch):
    """Serve the folder `root`; Jupyter's own files go to `scratch`. Yields the server's address."""
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(scratch / "config"),
        "JUPYTER_DATA_DIR": str(scratch / "data"),
        "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
        "IPYTHONDIR": str(scratch / "ipython"),
    }
    port = free_port()
    command = [sys.executable, "-m", "jupyter", "lab", f"--ServerApp.root_dir={root}"]
    log = scratch / "server.log"
    with serving(command + server_arguments(port), root, environment, port, log) as address:
        yield address


@contextlib.contextmanager
def serving(command, folder, environment, port, log, *, patience=60):
    """Run a command that serves Jupyter at `port`; the block starts with its first answer."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as file:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api/status?token={TOKEN}", process, log, patience)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(url, process, log, patience):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, f"the server ended:\n{log.read_text()}"
            time.sleep(0.2)
    raise AssertionError(f"no answer within {patience} s:\n{log.read_text()}")


@contextlib.contextmanager
def browser_page(chromium):
    """A page in Debian's Chromium, with a fresh profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        try:
            yield browser.new_page(viewport={"width": 1400, "height": 900})
        finally:
            browser.close()


def whole_notebooks(scratch):
    """Have JupyterLab keep every cell in the page, also those that are scrolled away."""
    folder = scratch / "config" / "lab" / "user-settings" / "@jupyterlab" / "notebook-extension"
    folder.mkdir(parents=True)
    (folder / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')


def open_notebook(page, address, path):
    """Open a notebook in JupyterLab and wait for its cells and its kernel."""
    page.goto(f"{address}/lab/tree/{path}?reset&token={TOKEN}")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_selector("#jp-main-statusbar :text('| Idle')", timeout=60_000)


def run_all(page, patience=480):
    """Run All Cells, and wait for the last one."""
    page.click("text=Run >> nth=0")
    page.click("text=Run All Cells")
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
            return prompts.length && prompts.every(p => /\\[\\d+\\]/.test(p.textContent));
        }""",
        timeout=1000 * patience,
    )
