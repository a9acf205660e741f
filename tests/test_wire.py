"""The wire: what crosses is what was sent, and what is no frame is refused."""

import json
import socket
import struct
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograde.sandbox import wire
from autograde.sandbox.wire import Channel, Closed, Packer, TimeUp, Unpacker, WireError

NUMBERS = st.sampled_from(["?", "u1", "i4", "i8", "<f4", "f8", ">f8", "c16", "U3"])
ARRAYS = hnp.arrays(
    NUMBERS.map(np.dtype), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.complex_numbers()
VALUES = st.recursive(
    PLAIN | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture
def ends():
    a, b = socket.socketpair()
    yield Channel(a), Channel(b)
    a.close()
    b.close()


def refused(value):
    raise AssertionError(f"{value!r} should have crossed")


def crossed(value, ends):
    packer = Packer(refused)
    node = packer.pack(value)
    ends[0].send({"value": node}, packer.buffers, 1)
    message, buffers = ends[1].receive(1)
    return Unpacker(buffers, refused).unpack(message["value"])


def alike(a, b):
    """Equal in type and in every bit."""
    if isinstance(a, np.ndarray | np.generic):
        same_form = type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape
        return same_form and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(alike(a[k], b[k]) for k in a)
    return type(a) is type(b) and repr(a) == repr(b)


@settings(deadline=None)
@given(VALUES)
def test_what_crosses_is_what_was_sent(value):
    a, b = socket.socketpair()
    with a, b:
        assert alike(crossed(value, (Channel(a), Channel(b))), value)


@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_the_layout_of_an_array_crosses(order, ends):
    array = np.arange(24.0).reshape(2, 3, 4)
    array = {"C": array, "F": np.asfortranarray(array), "strided": np.repeat(array, 2, 2)[..., ::2]}
    got = crossed(array[order], ends)
    assert np.array_equal(got, array["C"])
    assert got.flags.c_contiguous == (order == "C") and got.flags.f_contiguous == (order == "F")


@pytest.mark.parametrize("kind", [np.matrix, np.ma.MaskedArray])
def test_arrays_with_another_algebra_stay_what_they_are(kind, ends):
    assert type(crossed(np.ones((2, 2)).view(kind), ends)) is kind


def test_one_array_twice_in_a_frame_is_one_array(ends):
    array, names, table = np.ones(3), {}, {}

    def name_of(one):
        known = id(one) in names
        return names.setdefault(id(one), "s0"), known

    packer = Packer(refused, name_of)
    node = packer.pack((array, array))
    values = Unpacker(packer.buffers, refused, table, table.__setitem__).unpack(node)
    assert values[0] is values[1] and np.array_equal(values[0], array)


def test_scalars_and_subclasses(ends):
    class Pair(tuple):
        pass

    assert alike(crossed(np.float32(0.5), ends), np.float32(0.5))
    assert alike(crossed(Pair((1, 2)), ends), (1, 2))
    assert crossed(10**40, ends) == 10**40


def test_what_holds_itself_or_is_too_deep_stands_for_itself():
    held = []
    held.append(held)
    seen = []
    Packer(lambda value: seen.append(value) or {"object": 0}).pack(held)
    assert seen == [held]


@pytest.mark.parametrize(
    "array", [np.array([object()]), np.array([{}]), np.zeros(2, "f8,i4"), np.zeros(1, "M8[s]")]
)
def test_arrays_of_anything_but_numbers_do_not_cross(array):
    seen = []
    Packer(lambda value: seen.append(value) or {"object": 0}).pack(array)
    assert seen[0] is array


# what a hostile end may send --------------------------------------------------------------------


def received(data, seconds=0.2, **limits):
    a, b = socket.socketpair()
    with a, b:
        sender = threading.Thread(target=_send_all, args=(a, data))
        sender.start()
        try:
            return Channel(b, **limits).receive(seconds)
        finally:
            b.close()
            sender.join()


def _send_all(sock, data):
    try:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def frame(header, *buffers, total=None):
    total = sum(map(len, buffers)) if total is None else total
    return struct.pack(">II", len(header), total) + header + b"".join(buffers)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200))
def test_garbage_is_refused(data):
    with pytest.raises((WireError, TimeUp)):
        received(data)


@settings(deadline=None, max_examples=300)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    "array dtype shape order class buffer scalar int float complex tuple list dict"
                    " object callback rng".split()
                )
                | st.text(max_size=3),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    ),
    st.binary(max_size=40),
)
def test_a_node_is_a_value_or_refused(node, data):
    try:
        Unpacker([data], lambda node: "an object", {"t1": np.ones(2)}).unpack(node)
    except WireError:
        pass


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">II", wire.MAX_HEADER + 1, 0),
        struct.pack(">II", 2, wire.MAX_BUFFERS + 1),
        frame(b"[" * 100_000),
        frame(b"[{}, [-1]]"),
        frame(b"[{}, [1e400]]"),
        frame(b'[{}, ["1"]]'),
        frame(b"[{}, [5]]", b"1234"),
        frame(b"{}"),
        frame(b"\xff\xfe"),
        frame(b"[1" + b"0" * 5000 + b", []]"),
        frame(json.dumps([{}, [1 << 40]]).encode()),
    ],
    ids=range(11),
)
def test_frames_that_are_none(data):
    with pytest.raises(WireError):
        received(data)


@pytest.mark.parametrize(
    "node",
    [
        {"array": None, "dtype": "O8", "shape": [1], "order": "C", "buffer": 0},
        {"array": None, "dtype": "V8", "shape": [1], "order": "C", "buffer": 0},
        {"array": None, "dtype": "f8", "shape": [1 << 60], "order": "C", "buffer": 0},
        {"array": None, "dtype": "f8", "shape": [-1], "order": "C", "buffer": 0},
        {"array": None, "dtype": "f8", "shape": [1], "order": "C", "buffer": 7},
        {"array": None, "dtype": "f8", "shape": [1.0], "order": "C", "buffer": 0},
        {"array": None, "dtype": "f8", "shape": [1] * 40, "order": "C", "buffer": 0},
        {"array": "t9"},
        {"scalar": "O8", "buffer": 0},
        {"int": "9" * 2000},
        {"int": "__import__('os')"},
        {"float": "one"},
        {"complex": ["1"]},
        {"dict": [[{"list": []}, 1]]},
        {"dict": [[1]]},
        {"tuple": 3},
    ],
    ids=lambda node: json.dumps(node)[:60],
)
def test_nodes_that_are_no_values(node):
    with pytest.raises(WireError):
        Unpacker([bytes(8)], refused, {}).unpack(node)


def test_a_frame_that_never_ends_is_given_up(ends):
    ends[0]._sock.send(struct.pack(">II", 100, 0) + b"[")
    start = time.monotonic()
    with pytest.raises(TimeUp):
        ends[1].receive(0.2)
    assert time.monotonic() - start < 5


def test_one_who_does_not_read_is_given_up(ends):
    with pytest.raises(TimeUp):
        ends[0].send({}, [bytes(8 << 20)], 0.2)


def test_a_closed_end_says_so(ends):
    ends[0].close()
    with pytest.raises(Closed):
        ends[1].receive(1)
    with pytest.raises(Closed):
        ends[1].send({}, [bytes(8 << 20)], 1)


def test_too_large_a_frame_is_not_even_sent(ends):
    with pytest.raises(WireError, match="too large"):
        ends[0].send({}, [bytes(wire.MAX_BUFFERS + 1)], 1)
