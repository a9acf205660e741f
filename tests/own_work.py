"""References as a student might have written them, for tests that need a right answer."""

from types import FunctionType


def own(reference):
    """A copy of a reference that is not the course's own text: it has another docstring.

    It is still a function of `helpers`, which may call its neighbours there.
    """
    code = reference.__code__
    said, *constants = code.co_consts
    assert said == reference.__doc__
    code = code.replace(co_consts=("Written by hand.", *constants))
    copied = FunctionType(code, reference.__globals__, reference.__name__, reference.__defaults__)
    copied.__kwdefaults__ = reference.__kwdefaults__
    return copied
