"""Using the answer key is not an answer: whether a function calls the course's own reference.

What runs is watched, not what is written, so that an import, an alias, a partial, a getattr or an
exec of the reference's source are all the same.
"""

import sys
from contextlib import contextmanager
from inspect import unwrap
from pathlib import Path
from types import CodeType

import helpers

_HELPERS = str(Path(helpers.__file__).parent)


class Watch:
    """Notes the first of some functions that is entered, from anywhere but `helpers` itself.

    A reference that another helper calls on its own account was not asked for by the student.

    Args:
        functions: those that a student must not call.

    Attributes:
        used: where the function that was entered is defined, `helpers.rnn.rnn_step`, or None.
    """

    def __init__(self, functions):
        self.used, self._seen, self._functions = None, False, functions
        codes = [(unwrap(f).__code__, f"{f.__module__}.{f.__name__}") for f in functions]
        self._texts = {_text(code): name for code, name in codes}
        self._known = {}  # id of a code object -> the object, which keeps the id taken, and a name

    @contextmanager
    def first_call(self, f=None):
        """Watch what is called inside, the first time; another profiler waits meanwhile.

        Args:
            f: the student's function, which is watched where it lives.
        """
        if self._seen:
            yield
            return
        self._seen, before = True, sys.getprofile()
        if hasattr(f, "watching"):
            with f.watching(self._functions):
                yield
            self.used = f.used
            return
        sys.setprofile(self._notice)
        try:
            yield
        finally:
            sys.setprofile(None)
            if hasattr(before, "enable"):  # cProfile's, which is no function
                before.enable()
            else:
                sys.setprofile(before)

    def _notice(self, frame, event, _):
        if event != "call" or self.used:
            return
        caller = frame.f_back
        if caller is None or not caller.f_code.co_filename.startswith(_HELPERS):
            self.used = self._name(frame.f_code)

    def _name(self, code):
        if id(code) not in self._known:
            self._known[id(code)] = code, self._texts.get(_text(code))
        return self._known[id(code)][1]


def _text(code):
    """The words of a piece of code, its docstring among them, under whatever name it stands.

    Its instructions are left out: they depend on what is imported where it is compiled.
    """
    constants = tuple(_text(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts)
    return constants, code.co_names, code.co_varnames, code.co_freevars
