"""The student's side of the wire: runs cells, and lends the functions that they define.

Nothing in here protects anything: whatever runs beside it is the student's. What it answers is
weighed by the tests, in another process.
"""

import copy
import importlib
import inspect
import itertools
import warnings
from contextlib import contextmanager, nullcontext, suppress

import numpy as np

from autograde import diagnosis
from autograde.answer_key import Watch
from autograde.check import with_references
from autograde.gradcheck import same
from autograde.sandbox.shell import Shell
from autograde.sandbox.wire import Channel, Closed, Packer, Unpacker

KEPT_ARRAYS = 32  # of those already returned, that are looked at for later changes
_LEAVES = (np.ndarray, np.generic, bool, int, float, str, type(None))
_GENERATORS = {"PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"}


def warm_up():
    """What every submission would begin with is done once, before there is one."""
    Shell.instance().run("pass")


def serve(sock):
    """Answer requests until the other end closes."""
    student = Student(Channel(sock), Shell.instance())
    while True:
        try:
            student.answer()
        except (Closed, OSError):
            return
        except KeyboardInterrupt:  # it came too late, when the cell was done
            continue


class Student:
    """What a submission defined, and the objects and arrays that the tests know of."""

    def __init__(self, channel, shell):
        self.channel, self.shell = channel, shell
        self.forget()

    def forget(self):
        """A new test begins: nothing of the last one is referred to any more."""
        self.objects, self.arrays, self.numbers = {}, _Arrays(), itertools.count()

    # Requests -----------------------------------------------------------------------------------

    def answer(self):
        """Receive one request and send what came of it."""
        message, buffers = self.channel.receive()
        request = dict(message)
        self.packer = None
        for early in request.pop("before", ()):
            with suppress(BaseException):  # what cannot be copied is no copy
                getattr(self, f"do_{early.pop('do')}")(buffers, **early)
        try:
            with self._warnings(request) as given:
                reply = getattr(self, f"do_{request.pop('do')}")(buffers, **request)
        except BaseException as error:  # what a student raises is theirs to be told
            reply = {"error": _explained(error)}
        self._send({**reply, "warnings": given})

    @contextmanager
    def _warnings(self, request):
        """Floating-point errors are treated as the tests treat them; warnings are kept."""
        given, errstate = [], request.pop("errstate", None)
        if errstate is None:  # nothing of the student's is called
            yield given
            return
        with np.errstate(**errstate), warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            yield given
            given += [str(w.message)[:200] for w in raised[:5]]

    def _send(self, message):
        packer = self.packer or self._new_packer()
        changes = [[name, packer.pack_numbers(array)] for name, array in self.arrays.changes()]
        self.packer = None
        self.channel.send({**message, "changes": changes}, packer.buffers)

    def _new_packer(self):
        self.packer = Packer(self._stand_in, self._name_of)
        return self.packer

    def do_run(self, buffers, source, figures):
        return {"outputs": self.shell.run(source, figures)}

    def do_forget(self, buffers):
        self.forget()
        return {}

    def do_find(self, buffers, name):
        """What a name is bound to, if to anything."""
        if name not in self.shell.user_ns:
            return {"missing": True}
        value = self.shell.user_ns[name]
        return {"value": self._new_packer().pack(_Lent(value) if callable(value) else value)}

    def do_call(self, buffers, f, args, kwargs, keep_last=False, watched=(), references=None):
        function = self.objects[f]
        if references is not None:
            function = with_references(function, references)
        unpacker = self._unpacker(buffers)
        args, kwargs = unpacker.unpack(args), unpacker.unpack(kwargs)
        watch = Watch([_imported(name) for name in watched])
        with watch.first_call() if watched else nullcontext():
            result = function(*args, **kwargs)
        packer = self._new_packer()
        if keep_last and isinstance(result, tuple | list) and result:
            *values, last = result
            base = "tuple" if isinstance(result, tuple) else "list"
            node = {base: [*map(packer.pack, values), self._stand_in(last)]}
        else:
            node = packer.pack(result)
        # Of arrays only the numbers can change, and these changes are told with every reply.
        rebound = any(not isinstance(v, _LEAVES) for v in (*args, *kwargs.values()))
        return {
            "value": node,
            "arguments": packer.pack([args, kwargs]) if rebound else None,
            "generators": [
                [name, packer.pack(rng.bit_generator.state)]
                for name, rng in self.arrays.generators.values()
            ],
            "used": watch.used,
        }

    def do_next(self, buffers, object, of=None):
        """The next thing from an iterator, which is made first if it is told of what."""
        if of is not None:
            self.objects[object] = iter(self.objects[of])
        try:
            return {"value": self._new_packer().pack(next(self.objects[object]))}
        except StopIteration:
            return {"stop": True}

    def do_copy(self, buffers, object, name):
        self.objects[name] = None
        self.objects[name] = copy.deepcopy(self.objects[object])

    def do_same(self, buffers, a, b, grown):
        return {"value": bool(same(self.objects[a], self.objects[b], grown=grown))}

    # Objects and arrays that both sides know -----------------------------------------------------

    def _stand_in(self, value):
        """The node of an object that stays here."""
        lent = isinstance(value, _Lent)
        value = value.function if lent else value
        if isinstance(value, _Callback):
            return {"callback": value.number}
        if isinstance(value, np.random.Generator) and id(value) in self.arrays.generators:
            return {"rng": self.arrays.generators[id(value)][0]}
        number = len(self.objects)
        self.objects[number] = value
        node = {"object": number, "says": _said(value)}
        if lent:
            node |= {"name": _name(value), "signature": _signature(value)}
        node["callable"] = callable(value)
        node["iterable"] = hasattr(value, "__iter__")
        return node

    def _name_of(self, array):
        """(name, whether the other end has its present numbers) of an array."""
        if type(array) is not np.ndarray:
            return None
        return self.arrays.name_of(array, lambda: f"s{next(self.numbers)}")

    def _unpacker(self, buffers):
        self.arrays.a_new_call()
        return Unpacker(buffers, self._meant, self.arrays, self.arrays.received)

    def _meant(self, node):
        if "object" in node:
            return self.objects[node["object"]]
        if "callback" in node:
            return _Callback(self, node["callback"], node["name"])
        if "rng" in node:
            return self._generator(node)
        raise ValueError("a node of no value")

    def _generator(self, node):
        state = Unpacker([], self._meant).unpack(node["state"])
        if state["bit_generator"] not in _GENERATORS:
            raise ValueError("a generator of another kind")
        bits = getattr(np.random, state["bit_generator"])()
        bits.state = state
        rng = np.random.Generator(bits)
        self.arrays.generators[id(rng)] = node["rng"], rng
        return rng

    def call_back(self, number, args, kwargs):
        """Ask the tests to call a function of theirs, in the middle of a request."""
        packer = self._new_packer()
        self._send({"callback": number, "args": packer.pack(args), "kwargs": packer.pack(kwargs)})
        message, buffers = self.channel.receive()
        if "error" in message:
            raise CallbackError(message["error"])
        unpacker = Unpacker(buffers, self._meant, self.arrays, self.arrays.received)
        return unpacker.unpack(message["value"])


class CallbackError(Exception):
    """A function of the tests raised; the tests know what."""


class _Lent:
    """A callable whose name and signature are told too."""

    def __init__(self, function):
        self.function = function


class _Callback:
    """A function of the tests, such as the `f` of a numerical gradient."""

    def __init__(self, student, number, name):
        self.student, self.number, self.__name__ = student, number, name

    def __call__(self, *args, **kwargs):
        return self.student.call_back(self.number, args, kwargs)


class _Arrays:
    """Arrays that the tests hold as well, with the numbers that these have of them.

    What was handed over for the present call, and the last few that were returned: if one of them
    changes, the tests are told, since they see no memory but their own.
    """

    def __init__(self):
        self.returned, self.names = {}, {}
        self.a_new_call()

    def a_new_call(self):
        self.handed, self.generators = {}, {}
        self.names = {id(array): name for name, (array, _) in self.returned.items()}

    def __getitem__(self, name):
        return (self.handed.get(name) or self.returned[name])[0]

    def received(self, name, array):
        self.handed[name] = [array, array.tobytes()]
        self.names[id(array)] = name

    def name_of(self, array, new_name):
        name = self.names.get(id(array))
        if name is not None:
            return name, True
        name = self.names[id(array)] = new_name()
        self.returned[name] = [array, array.tobytes()]
        while len(self.returned) > KEPT_ARRAYS:
            oldest, _ = self.returned.pop(next(iter(self.returned)))
            del self.names[id(oldest)]
        return name, False

    def changes(self):
        """(name, array) of those whose numbers are no longer what the other end has."""
        for table in (self.handed, self.returned):
            for name, held in table.items():
                array, before = held
                now = array.tobytes()
                if now != before:
                    held[1] = now
                    yield name, array


def _imported(name):
    """The function of `helpers` of that name, `helpers.rnn.rnn_step`."""
    module, function = name.rsplit(".", 1)
    return getattr(importlib.import_module(module), function)


def _said(value):
    try:
        return diagnosis.describe(value)[:200]
    except Exception:  # a repr that fails
        return type(value).__name__[:80]


def _name(function):
    return str(getattr(function, "__name__", type(function).__name__))[:80]


def _signature(function):
    """[name, kind, whether it has a default] of every parameter, or None."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[p.name, int(p.kind), p.default is not p.empty] for p in parameters][:100]


def _explained(error):
    """An exception in words that the tests can pass on."""
    try:
        alone = len(error.args) == 1 and isinstance(error.args[0], str)
        text = (error.args[0] if alone else str(error))[:2000]  # a KeyError's str has quotes
    except Exception:  # a str that fails
        text = ""
    place = ""
    theirs = diagnosis.students_frames(error)
    if theirs:
        place = diagnosis.place(theirs[-1])[:500]
    kinds = [kind.__name__[:80] for kind in type(error).__mro__[:8]]
    return {"kinds": kinds, "text": text, "place": place}
