"""The wire between the tests and a student's process: frames, and values in them.

A frame is a header in JSON and a row of raw buffers. Arrays, numbers, strings, tuples, lists and
dicts cross as they are. Any other object stays where it is and crosses as a number that stands for
it. Nothing is ever unpickled, sizes are bounded, and what cannot be read is a `WireError`: the one
on the other end may be hostile.
"""

import functools
import json
import math
import re
import select
import struct
import time

import numpy as np

MAX_HEADER = 4 << 20  # bytes
MAX_BUFFERS = 64 << 20  # bytes of a whole frame
MAX_DEPTH = 16  # of containers in each other
MAX_TEXT = 200_000  # characters that one cell's outputs may have in all
MAX_PICTURE = 4 << 20  # bytes of one picture
MAX_OUTPUTS = 100  # of one cell
_LENGTHS = struct.Struct(">II")
_DTYPE = re.compile(r"[<>|=]?[biufcUS]\d{1,6}")


class WireError(Exception):
    """What came is no frame of ours, or too large; nothing more can be read from this wire."""


class Closed(WireError):
    """The other end is gone."""


class TimeUp(Exception):
    """Nothing came within the time that was left."""


class Channel:
    """Frames over a stream socket.

    Args:
        sock: a connected AF_UNIX stream socket.
        max_buffers: most bytes of buffers that a frame may bring.
    """

    def __init__(self, sock, max_buffers=MAX_BUFFERS):
        sock.setblocking(False)
        self._sock, self._max_buffers, self._ahead = sock, max_buffers, bytearray()

    def send(self, message, buffers=(), seconds=None):
        """Send a frame.

        Raises:
            WireError: the frame is larger than the other end would take.
            TimeUp: the other end does not read.
        """
        header = json.dumps([message, [len(b) for b in buffers]]).encode()
        total = sum(map(len, buffers))
        if len(header) > MAX_HEADER or total > self._max_buffers:
            raise WireError(f"a frame of {len(header)} and {total} bytes is too large")
        deadline = _deadline(seconds)
        left = memoryview(b"".join([_LENGTHS.pack(len(header), total), header, *buffers]))
        while left:
            try:
                left = left[self._sock.send(left) :]
            except BlockingIOError:
                self._wait(deadline, reading=False)
            except OSError as error:
                raise Closed(str(error)) from error

    def receive(self, seconds=None):
        """The next frame.

        Returns:
            (message, list of buffers).

        Raises:
            WireError: no frame, or too large a one.
            Closed: the other end is gone.
            TimeUp: the frame was not complete in time.
        """
        deadline = _deadline(seconds)
        size, total = _LENGTHS.unpack(self._read(_LENGTHS.size, deadline))
        if size > MAX_HEADER or total > self._max_buffers:
            raise WireError(f"a frame of {size} and {total} bytes is too large")
        header = self._read(size, deadline)
        try:
            message, lengths = json.loads(header)
            lengths = [_natural(length) for length in lengths]
        except (ValueError, TypeError, RecursionError) as error:
            raise WireError(f"a header that cannot be read: {type(error).__name__}") from error
        if sum(lengths) != total:
            raise WireError("buffers of other lengths than the header says")
        return message, [self._read(length, deadline) for length in lengths]

    def _read(self, size, deadline):
        """So many bytes; what came along with them is kept for the next call."""
        while len(self._ahead) < size:
            self._wait(deadline, reading=True)
            try:
                more = self._sock.recv(1 << 18)
            except BlockingIOError:
                continue
            except OSError as error:
                raise Closed(str(error)) from error
            if not more:
                raise Closed("the other end is gone")
            self._ahead += more
            if deadline is not None and time.monotonic() > deadline:
                raise TimeUp  # it comes too slowly
        data = bytes(self._ahead[:size])
        del self._ahead[:size]
        return data

    def _wait(self, deadline, reading):
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeUp
        watched = [self._sock]
        ready = select.select(watched * reading, watched * (not reading), [], left)
        if not any(ready):
            raise TimeUp

    def close(self):
        self._sock.close()


def _deadline(seconds):
    return None if seconds is None else time.monotonic() + seconds


def _natural(number):
    if type(number) is not int or number < 0:
        raise WireError(f"expected a size, got {number!r:.40}")
    return number


# --- values --------------------------------------------------------------------------------------


class Packer:
    """Turns values into a node for the header, and their bytes into buffers.

    Args:
        stands_for: object -> dict that stands for one that cannot cross (`{"object": 3}`).
        known: array -> its name in a table that both ends keep, or None.
    """

    def __init__(self, stands_for, known=lambda array: None):
        self._stands_for, self._known = stands_for, known
        self.buffers = []

    def pack(self, value, depth=0):
        """The node of a value."""
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int and abs(value) < 1 << 53:
            return value
        if kind is float and math.isfinite(value):
            return value
        if isinstance(value, np.ndarray) and value.dtype.kind in "biufcUS":
            return self._array(value)
        if isinstance(value, np.generic) and value.dtype.kind in "biufc":
            return {"scalar": value.dtype.str, "buffer": self._buffer(value.tobytes())}
        if isinstance(value, bool | int) and value.bit_length() < 4096:
            return {"int": str(int(value))}
        if isinstance(value, float):
            return {"float": repr(float(value))}
        if kind is complex:
            return {"complex": [repr(value.real), repr(value.imag)]}
        if depth < MAX_DEPTH:
            for base in (tuple, list):
                if isinstance(value, base):
                    return {base.__name__: [self.pack(v, depth + 1) for v in base.__iter__(value)]}
            if isinstance(value, dict):
                pairs = dict.items(value)
                return {"dict": [[self.pack(part, depth + 1) for part in pair] for pair in pairs]}
        return self._stands_for(value)

    def _array(self, array):
        name = self._known(array)
        if name is not None and name[1]:  # the other end has it, unchanged
            return {"array": name[0]}
        return self.pack_numbers(array, name and name[0])

    def pack_numbers(self, array, name=None):
        """The node of an array with all its numbers."""
        plain = np.asarray(array)
        order = "F" if plain.flags.f_contiguous and not plain.flags.c_contiguous else "C"
        return {
            "array": name,
            "dtype": plain.dtype.str,
            "shape": list(plain.shape),
            "order": order if order == "F" or plain.flags.c_contiguous else "strided",
            "class": _class_of(array),
            "buffer": self._buffer(plain.tobytes("F" if order == "F" else "C")),
        }

    def _buffer(self, data):
        self.buffers.append(data)
        return len(self.buffers) - 1


def _class_of(array):
    """The subclasses of an array on which arithmetic means something else."""
    if type(array) is np.ndarray:
        return ""
    for name, kind in _CLASSES.items():
        if isinstance(array, kind):
            return name
    return ""


_CLASSES = {"matrix": np.matrix, "MaskedArray": np.ma.MaskedArray}


class Unpacker:
    """Turns nodes back into values.

    Args:
        buffers: those of the frame.
        meant: dict that stands for an object -> the object.
        known: name -> the array of that name in the table.
        new: (name, array) is called for every array that came under a name.
    """

    def __init__(self, buffers, meant, known=None, new=lambda name, array: None):
        self._buffers, self._meant, self._new = buffers, meant, new
        self._known = {} if known is None else known

    def unpack(self, node, depth=0):
        """The value of a node.

        Raises:
            WireError: it is the node of no value.
        """
        if depth > MAX_DEPTH + 1:
            raise WireError("containers too deep in each other")
        if node is None or isinstance(node, bool | int | float | str):
            return node
        if not isinstance(node, dict) or not node:
            raise WireError(f"expected a value, got {type(node).__name__}")
        try:
            return self._object(node, depth)
        except (KeyError, ValueError, TypeError, OverflowError, IndexError, MemoryError) as error:
            text = f"a value that cannot be read: {type(error).__name__}: {error}"
            raise WireError(text[:200]) from error

    def _object(self, node, depth):
        (kind, content) = next(iter(node.items()))
        match kind:
            case "array":
                return self._array(node)
            case "scalar":
                return np.frombuffer(self._buffer(node), _dtype(content))[()][0]
            case "int":
                return int(_text(content, 1300))
            case "float":
                return float(_text(content, 40))
            case "complex":
                real, imaginary = content
                return complex(float(_text(real, 40)), float(_text(imaginary, 40)))
            case "tuple":
                return tuple(self.unpack(part, depth + 1) for part in content)
            case "list":
                return [self.unpack(part, depth + 1) for part in content]
            case "dict":
                pairs = [[self.unpack(part, depth + 1) for part in pair] for pair in content]
                return {key: value for key, value in pairs}
        return self._meant(node)

    def _array(self, node):
        name = node["array"]
        if "dtype" not in node:
            return self._known[name]
        shape = [_natural(size) for size in node["shape"]]
        dtype = _dtype(node["dtype"])
        data = np.frombuffer(self._buffer(node), dtype)
        if len(shape) > 32 or data.size != math.prod(shape):
            raise WireError("an array of another size than its shape says")
        array = np.empty(shape, dtype, order="F" if node["order"] == "F" else "C")
        if node["order"] == "strided" and shape:
            array = np.empty((*shape[:-1], 2 * shape[-1]), dtype)[..., ::2]
        array[...] = data.reshape(shape, order="F" if node["order"] == "F" else "C")
        if node.get("class") in _CLASSES:
            array = array.view(_CLASSES[node["class"]])
        if name is not None:
            self._new(_text(name, 20), array)
        return array

    def _buffer(self, node):
        return self._buffers[_natural(node["buffer"])]


def _text(value, longest):
    if not isinstance(value, str) or len(value) > longest:
        raise WireError(f"expected a short string, got {type(value).__name__}")
    return value


@functools.lru_cache(maxsize=64)
def _dtype(text):
    if not _DTYPE.fullmatch(_text(text, 10)):
        raise WireError(f"expected a plain dtype, got {text!r:.40}")
    return np.dtype(text)
