"""A real IPython shell without a kernel around it: cells in, outputs of the notebook format out."""

import base64
import io
import sys
from contextlib import redirect_stderr, redirect_stdout

import matplotlib.pyplot as plt
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from autograde.sandbox.wire import MAX_OUTPUTS, MAX_PICTURE, MAX_TEXT


class Outputs(list):
    """The outputs of one cell; what goes beyond the limits is cut, and says so."""

    def __init__(self):
        super().__init__()
        self.left = MAX_TEXT

    def write(self, name, text):
        """Text on a stream."""
        text = self._cut(text)
        if text and self and self[-1].get("name") == name:
            self[-1]["text"] += text
        elif text:
            self.put({"output_type": "stream", "name": name, "text": text})

    def show(self, data, result=False):
        """What display() or the last line of a cell gives: its text, or its picture."""
        kept = {}
        if isinstance(data.get("text/plain"), str):
            kept["text/plain"] = self._cut(data["text/plain"])
        picture = data.get("image/png")
        if isinstance(picture, bytes):
            picture = base64.b64encode(picture).decode()
        if isinstance(picture, str) and len(picture) < MAX_PICTURE:
            kept["image/png"] = picture
        if not kept:
            return
        output = {"output_type": "display_data", "data": kept, "metadata": {}}
        if result:
            output |= {"output_type": "execute_result", "execution_count": None}
        self.put(output)

    def put(self, output):
        if len(self) < MAX_OUTPUTS:
            self.append(output)

    def _cut(self, text):
        cut, self.left = text[: self.left], max(0, self.left - len(text))
        return cut + ("\n[cut: too much output]\n" if cut and len(cut) < len(text) else "")


class _Stream(io.TextIOBase):
    """A stdout or stderr that ends in a cell's outputs."""

    def __init__(self, name):
        self.name, self.outputs = name, Outputs()

    def write(self, text):
        self.outputs.write(self.name, text)
        return len(text)

    def writable(self):
        return True


class _Publisher(DisplayPublisher):
    def publish(self, data, *args, **kwargs):
        self.shell.outputs.show(data)

    def clear_output(self, wait=False):
        pass


class _Hook(DisplayHook):
    def quiet(self):
        return self.shell.source.rstrip().endswith(";")

    def __call__(self, result=None):
        if result is not None and not self.quiet():
            data, _ = self.compute_format_data(result)
            self.update_user_ns(result)
            self.shell.outputs.show(data, result=True)


class Shell(InteractiveShell):
    """Runs cells one after the other in one name space."""

    def __init__(self):
        config = Config()
        config.HistoryManager.enabled = False
        super().__init__(config=config, display_pub_class=_Publisher, displayhook_class=_Hook)
        self.outputs, self.source = Outputs(), ""
        self.streams = [_Stream("stdout"), _Stream("stderr")]

    def run(self, source, figures=True):
        """Run a cell and return its outputs."""
        self.outputs, self.source = Outputs(), source
        out, err = self.streams
        out.outputs = err.outputs = self.outputs
        with redirect_stdout(out), redirect_stderr(err):
            self.run_cell(source, store_history=False)
            self._flush(figures)
        return list(self.outputs)

    def _flush(self, figures):
        """Show the figures that the cell left open, as a notebook does."""
        for number in plt.get_fignums():
            if figures:
                picture = io.BytesIO()
                plt.figure(number).savefig(picture, format="png", bbox_inches="tight")
                self.outputs.show({"image/png": picture.getvalue(), "text/plain": "<Figure>"})
            plt.close(number)

    def system(self, command):
        print("Shell commands are off in grading.", file=sys.stderr)

    getoutput = system_piped = system_raw = system

    def enable_gui(self, gui=None):
        pass

    def enable_matplotlib(self, gui=None):
        """Figures are shown at the end of their cell in any case."""
        return gui, "agg"

    def _showtraceback(self, kind, error, lines):
        self.outputs.put(
            {
                "output_type": "error",
                "ename": kind.__name__[:80],
                "evalue": self.outputs._cut(str(error)),
                "traceback": [self.outputs._cut(line) for line in lines],
            }
        )
