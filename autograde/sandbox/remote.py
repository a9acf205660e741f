"""The tests' side of the wire: functions of a student's process that can be called like any other.

What comes back is a copy, and behaves as the student's own objects would if they were here: what
was changed in place is changed here too, also when it is changed later; a cache stays where it is
and is passed back as it is.
"""

import builtins
import contextlib
import copy
import itertools
import time
import warnings
from inspect import Parameter, Signature

import numpy as np

from autograde.sandbox.wire import Packer, TimeUp, Unpacker, WireError

MAX_ARRAYS = 256 << 20  # bytes of all arrays that a student's process hands one test


class StudentGone(BaseException):
    """The student's process ended, or broke the wire, or did not stop when interrupted.

    No Exception, so that no test can take it for an answer.
    """


class OutOfTime(BaseException):
    """A cell took too long, and was interrupted."""


class StudentError(Exception):
    """An exception of a kind that only the student's process knows."""


class Remote:
    """The student's process, as the tests see it.

    Args:
        channel: to it.
        seconds: most that one cell may take.
        interrupt: interrupts what it runs.
    """

    GRACE = 2.0  # seconds between the interrupt and giving up

    def __init__(self, channel, seconds, interrupt):
        self.channel, self.seconds, self._interrupt = channel, seconds, interrupt
        self._tables()
        self.a_new_cell()

    def new_name(self, kind):
        """A name for something that both sides know."""
        return f"{kind}{next(self._numbers)}"

    def a_new_cell(self):
        """Its time begins."""
        self._deadline, self._late = time.monotonic() + self.seconds, False

    def _tables(self):
        self._arrays, self._callbacks, self._generators, self._bytes = {}, [], {}, 0
        self._unsaid = []  # requests without an answer, which go along with the next one
        self._numbers = itertools.count()

    # Cells and names ----------------------------------------------------------------------------

    def run(self, source, figures=True):
        """Run a cell of the student's; its outputs as the other end tells them, unchecked."""
        self.a_new_cell()
        request = {"do": "run", "source": source, "figures": figures}
        return self._ask(request, wanted=("outputs",))["outputs"]

    def forget(self):
        """A new test begins."""
        self.a_new_cell()
        self._tables()
        self._unsaid.append({"do": "forget"})

    def find(self, name):
        """What the student's name is bound to.

        Raises:
            NameError: to nothing.
        """
        reply = self._ask({"do": "find", "name": name}, wanted=("value", "missing"))
        if reply.get("missing"):
            raise NameError(f"name '{name}' is not defined")
        return reply["value"]

    # Requests -----------------------------------------------------------------------------------

    def call(self, function, args, kwargs):
        packer = Packer(self._stand_in, self._name_of)
        request = {
            "do": "call",
            "f": function.number,
            "args": packer.pack(args),
            "kwargs": packer.pack(kwargs),
            "keep_last": function.keep_last,
            "watched": function.watched,
            "references": function.references,
            "errstate": np.geterr(),
        }
        reply = self._ask(request, packer.buffers)
        if "arguments" not in reply:
            raise StudentGone("it answered without what became of the arguments")
        used = reply.get("used")
        function.used = str(used)[:80] if used else function.used
        if reply["arguments"] is not None:
            _take_over([args, kwargs], reply["arguments"])
        return reply["value"]

    def _ask(self, request, buffers=(), wanted=("value",)):
        """Send a request, answer the callbacks that come meanwhile, and return the reply.

        Args:
            request, buffers: the frame.
            wanted: the reply must have one of these.

        Raises:
            StudentGone: there is no reply, or none that can be read.
            Exception: what the student's code raised.
        """
        raised, before, self._unsaid = None, self._unsaid, []
        try:
            self.channel.send({**request, "before": before}, buffers, self.GRACE)
            while True:
                message, values = self._receive()
                if "callback" not in message:
                    break
                raised = self._answer(message, values) or raised
            reply = {k: values.unpack(message[k]) for k in ("value", "arguments") if k in message}
            given = [str(text)[:200] for text in message.get("warnings", [])]
            error = _exception(message["error"], raised) if "error" in message else None
            if error is None and wanted and not any(key in message for key in wanted):
                raise WireError("an answer to something else")
            for name, state in message.get("generators", []):
                self._generators[name].bit_generator.state = values.unpack(state)
        except TimeUp as late:
            text = "it took too long and did not stop when interrupted"
            raise StudentGone(text) from late
        except Exception as broken:
            raise StudentGone(f"{type(broken).__name__}: {broken}"[:200]) from broken
        if self._late:
            raise OutOfTime
        for text in given[:5]:
            warnings.warn(text, RuntimeWarning, stacklevel=3)
        if error is not None:
            raise error
        return {**message, **reply}

    def _receive(self):
        """The next frame and what unpacks it; a student who takes too long is interrupted."""
        try:
            message, buffers = self.channel.receive(self._deadline - time.monotonic())
        except TimeUp:
            if self._late:  # the interrupt was not heard, however much is said meanwhile
                raise
            self._late, self._deadline = True, time.monotonic() + self.GRACE
            self._interrupt()
            message, buffers = self.channel.receive(self.GRACE)
        values = Unpacker(buffers, self._meant, self._arrays, self._remember)
        for name, node in message.get("changes", []):
            new, old = values.unpack(node), self._arrays[name]
            if new.shape != old.shape or new.dtype != old.dtype:
                raise WireError("an array has changed its shape")
            old[...] = new
        return message, values

    def _remember(self, name, array):
        """Keep an array of the student's, which may change; what a test sees has a limit."""
        self._bytes += array.nbytes
        if self._bytes > MAX_ARRAYS:
            raise WireError("arrays of more bytes than a test may be given")
        self._arrays[name] = array

    def _answer(self, message, values):
        """Call a function of the tests for the student; what it raised, if it did."""
        function = self._callbacks[message["callback"]]
        args, kwargs = values.unpack(message["args"]), values.unpack(message["kwargs"])
        packer = Packer(self._stand_in, self._name_of)
        try:
            reply = {"value": packer.pack(function(*args, **kwargs))}
        except Exception as error:
            self.channel.send({"error": type(error).__name__}, (), self.GRACE)
            return error
        self.channel.send(reply, packer.buffers, self.GRACE)
        return None

    # Objects and arrays that both sides know -----------------------------------------------------

    def _stand_in(self, value):
        if isinstance(value, RemoteObject):
            return {"object": value.number}
        if isinstance(value, np.random.Generator):
            name = self.new_name("g")
            self._generators[name] = value
            return {"rng": name, "state": Packer(_nothing).pack(value.bit_generator.state)}
        if callable(value):
            self._callbacks.append(value)
            name = getattr(value, "__name__", type(value).__name__)
            return {"callback": len(self._callbacks) - 1, "name": name}
        raise TypeError(f"{type(value).__name__}: expected what can cross to a student's process")

    def _name_of(self, array):
        """A new name for every array that is handed over."""
        if type(array) is not np.ndarray:
            return None
        name = self.new_name("t")
        self._arrays[name] = array
        return name, False

    def _meant(self, node):
        if "callback" in node:
            return self._callbacks[node["callback"]]
        if "rng" in node:
            return self._generators[node["rng"]]
        if node["callable"]:
            return RemoteFunction(self, node)
        return (RemoteIterable if node["iterable"] else RemoteObject)(self, node)


def _nothing(value):
    raise TypeError(f"{type(value).__name__}: expected plain values")


def _take_over(mine, theirs):
    """Give my lists and dicts the entries that the student's copies of them have now."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key, value in mine.items():
            if key in theirs:
                theirs[key] = _take_over(value, theirs[key])
        if list(mine) != list(theirs) or any(mine[k] is not theirs[k] for k in mine):
            mine.clear()
            mine.update(theirs)
        return mine
    if isinstance(mine, list) and isinstance(theirs, list):
        both = [_take_over(a, b) for a, b in zip(mine, theirs, strict=False)]
        mine[:] = both + theirs[len(mine) :]
        return mine
    if isinstance(mine, tuple) and isinstance(theirs, tuple) and len(mine) == len(theirs):
        for a, b in zip(mine, theirs, strict=True):
            _take_over(a, b)
        return mine
    return theirs


def _exception(told, raised):
    """The exception that a student's code raised, as far as it is a built-in one."""
    kinds = [str(kind) for kind in told["kinds"]]
    if raised is not None and "CallbackError" in kinds:
        raised.place = str(told["place"])[:500]
        return raised
    known = (getattr(builtins, kind, None) for kind in kinds)
    kind = next((k for k in known if _is_error(k)), StudentError)
    text = str(told["text"])[:2000]
    if kind is not StudentError and kind.__name__ != kinds[0]:
        text = f"{kinds[0][:80]}: {text}"
    try:
        error = kind(text)
    except TypeError:  # such as UnicodeDecodeError, which takes five arguments
        error = StudentError(f"{kinds[0][:80]}: {text}")
    error.place = str(told["place"])[:500]
    return error


def _is_error(kind):
    return isinstance(kind, type) and issubclass(kind, Exception | SystemExit)


class RemoteObject:
    """An object that stays in the student's process, such as a cache."""

    def __init__(self, remote, node):
        self.remote, self.number = remote, int(node["object"])
        self.described = str(node["says"])[:200]

    def __repr__(self):
        return self.described

    def __deepcopy__(self, memo):
        copied = copy.copy(self)
        copied.number = self.remote.new_name("c")
        request = {"do": "copy", "object": self.number, "name": copied.number}
        self.remote._unsaid.append(request)
        return copied

    def same_as(self, other, grown):
        """Whether two of them are the same, looked into where they are."""
        request = {"do": "same", "a": self.number, "b": other.number, "grown": grown}
        return self.remote._ask(request)["value"] is True


class RemoteIterable(RemoteObject):
    """One that can be iterated over, such as a generator."""

    def __iter__(self):
        request = {"do": "next", "object": self.remote.new_name("i"), "of": self.number}
        while True:
            reply = self.remote._ask(request | {"errstate": np.geterr()}, wanted=("value", "stop"))
            if reply.get("stop"):
                return
            yield reply["value"]
            request["of"] = None


class RemoteFunction(RemoteObject):
    """A callable of the student's.

    Attributes:
        keep_last: whether the last thing it returns stays there, as a cache does.
        watched: names of functions of `helpers` that it must not call.
        used: the first of them that it did call, or None.
        references: names of the functions in whose place it is to call the course's, or None.
    """

    keep_last, watched, used, references = False, (), None, None

    def __init__(self, remote, node):
        super().__init__(remote, node)
        self.__name__ = str(node.get("name", self.described))[:80]
        if node.get("signature") is not None:
            self.__signature__ = _signature(node["signature"])

    def __call__(self, *args, **kwargs):
        return self.remote.call(self, args, kwargs)

    def with_references(self, names):
        """The same function, calling the course's references in the place of earlier exercises."""
        other = copy.copy(self)
        other.references = list(names)
        return other

    @contextlib.contextmanager
    def watching(self, functions):
        """While inside, a call of one of these functions of `helpers` is noted in `used`."""
        self.watched = [f"{f.__module__}.{f.__name__}" for f in functions]
        try:
            yield
        finally:
            self.watched = ()


def _signature(parameters):
    kinds = list(type(Parameter.POSITIONAL_ONLY))
    return Signature(
        [
            Parameter(str(name), kinds[kind], default=None if default else Parameter.empty)
            for name, kind, default in parameters
        ]
    )
