"""The form of a declaration: what an exercise asks, on which problems, and how it goes wrong."""

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from autograde.gradcheck import TOLERANCE, exact_gradients

MOST_LAYERS = 3  # in any problem


@dataclass(frozen=True)
class Quantity:
    """One thing that an answer returns.

    Attributes:
        name: as in the contract, `dWh`.
        axes: a letter an axis, "NTH", with the gates counted before it, "D4H"; empty for a scalar;
            a word for each key of a dict.
        role: "value", "gradient" (held against a numerical gradient), or "cache" (the
            student's own, not looked into).
        keys: of a dict of arrays.
        each: for a list of tuples, one for each layer, the names of a tuple's arrays; the axes are
            then a layer's own.
    """

    name: str
    axes: str = ""
    role: str = "value"
    keys: tuple[str, ...] = ()
    each: tuple[str, ...] = ()

    @property
    def letters(self):
        """The axes one by one: ("D", "4H")."""
        return tuple(re.findall(r"\d*[A-Z]", self.axes))

    def parts(self):
        """The arrays or scalars that this quantity consists of, by name; none for a cache."""
        if self.role == "cache":
            return {}
        if not self.keys and not self.each:
            return {self.name: self}
        axes = self.axes.split()
        if self.each:
            names = [f"{self.name}[{k}] {one}" for k in range(MOST_LAYERS) for one in self.each]
            axes *= MOST_LAYERS
        else:
            names = [f"{self.name}[{key!r}]" for key in self.keys]
        return {n: Quantity(n, a, self.role) for n, a in zip(names, axes, strict=True)}

    def split(self, value):
        """The value's parts, in the order of `parts`."""
        if self.role == "cache":
            return []
        if self.each:
            return [array for layer in value for array in layer]
        return [value[key] for key in self.keys] if self.keys else [value]

    def named(self, value):
        """The value's parts by name; of a list, as many as it has."""
        return dict(zip(self.parts(), self.split(value), strict=not self.each))


CACHE = Quantity("cache", role="cache")


def values(**axes):
    """Value quantities: `values(h="NTH", loss="")`."""
    return tuple(Quantity(name, a) for name, a in axes.items())


def gradients(**axes):
    """Gradient quantities: `gradients(dx="ND", db="H")`."""
    return tuple(Quantity(name, a, "gradient") for name, a in axes.items())


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people write, recognised by computing it on the same problem.

    Attributes:
        name: short, in the field's terms.
        function: the wrong function, with the exercise's signature; a backward pass gets the
            reference's cache.
        says: what the student reads besides the name: why, and where to look.
    """

    name: str
    function: Callable
    says: str

    @property
    def sentence(self):
        return self.sentence_of("this")

    def sentence_of(self, quantity):
        """The sentence where only one quantity is what the mistake gives."""
        this = quantity if quantity == "this" else f"this {quantity}"
        return f"A known mistake gives exactly {this}: {self.name}. {self.says}"


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise of the course.

    Attributes:
        name: the function's name; also the id of its cell.
        notebook: two digits.
        points: what its check is worth.
        reference: the implementation in `helpers`.
        problem: (rng, sizes) -> dict of arguments in order; sizes maps "N", "T", ... to numbers.
        returns: its quantities, in order; none where `judge` looks at the answer as it is.
        sizes: the letters of the sizes that are tried at 1.
        keywords: arguments that are passed by name.
        omitted: arguments that are left to their defaults.
        in_place: arguments that the function changes; they are the last of the quantities.
        measured: arguments -> dict of numerical gradients, for the quantities with that role.
        judge: (answer, arguments, call) -> Finding or None, where there is more than one right
            answer; call(arguments) asks the function again.
        unpack: turns the returned object into what `judge` sees and a second call is compared with.
        edges: (rng, sizes) -> dict from a description, "with an empty ...", to arguments.
        further: (call, rng, sizes) -> Finding or None, tried last: what no comparison of numbers
            tells, such as an error that must be raised; call(arguments) asks the function.
        shows: (got, expected, arguments) -> a sentence on where a wrong array first leaves the
            right one, for arguments that a student cannot picture by an index.
        floats: whether float32 arguments make sense.
        strided: whether strided views as arguments are worth a try.
        may_widen: whether float32 arguments need not give float32 results, because one-hot vectors
            or Python's own floats, which are float64, may come between the two.
        quiet: whether a floating-point warning counts as wrong.
        tolerance: allowed error in float64.
        builds_on: earlier exercises whose functions a solution may call.
        keys: further functions of `helpers` that are the answer, or all but it.
        mistakes: known ones.
    """

    name: str
    notebook: str
    points: int
    reference: Callable
    problem: Callable
    returns: tuple[Quantity, ...] = ()
    sizes: str = ""
    keywords: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    in_place: tuple[str, ...] = ()
    measured: Callable | None = None
    judge: Callable | None = None
    unpack: Callable | None = None
    edges: Callable = lambda rng, sizes: {}
    further: Callable | None = None
    shows: Callable | None = None
    floats: bool = True
    strided: bool = True
    may_widen: bool = False
    quiet: bool = False
    tolerance: float = TOLERANCE["float64"]
    builds_on: tuple[str, ...] = ()
    keys: tuple[Callable, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    takes_forward = False

    @property
    def title(self):
        return f"{self.notebook} · {self.name}"

    @property
    def has_gradients(self):
        return any(q.role == "gradient" for q in self.returns)

    @property
    def has_values(self):
        return self.judge is not None or any(q.role == "value" for q in self.returns)

    def parts(self):
        """Every compared array or scalar by name."""
        return self._parts

    @cached_property
    def _parts(self):
        return {name: part for q in self.returns for name, part in q.parts().items()}

    def quantities(self, returned):
        """The values of `parts` in a well-formed answer."""
        named = [q.named(r) for q, r in zip(self.returns, self.each(returned), strict=True)]
        return {name: value for one in named for name, value in one.items()}

    def each(self, returned):
        """What was returned, one for each of the quantities."""
        return (returned,) if len(self.returns) == 1 and not self.in_place else returned

    def call(self, f, arguments):
        """Call an answer, and return what it returned; with `in_place`, what it changed as well."""
        positional = [v for name, v in arguments.items() if name not in self.keywords]
        by_name = {name: arguments[name] for name in self.keywords if name in arguments}
        returned = f(*positional, **by_name)
        if self.in_place:
            changed = tuple(arguments[name] for name in self.in_place)
            return changed if len(changed) == len(self.returns) else (returned, *changed)
        return self.unpack(returned) if self.unpack else returned

    def expected(self, arguments):
        """The right quantities: the reference's values, and gradients by measuring."""
        right = self.quantities(self.call(self.reference, copy.deepcopy(arguments)))
        return {**right, **self.measured(arguments)} if self.measured else right


@dataclass(frozen=True, eq=False)
class Backward(Exercise):
    """A backward pass that takes the cache of the student's own forward pass.

    Its `problem` draws the forward pass's arguments, then the upstream gradients. What it should
    return is measured on the reference's forward pass.

    Attributes:
        forward: the reference's forward pass; the student's has the same name.
        upstream: names of the upstream gradients, one for each of the forward pass's outputs
            through which a gradient comes.
        unused: its outputs after those and before the cache, through which none comes.
    """

    forward: Callable = None
    upstream: tuple[str, ...] = ("dh",)
    unused: tuple[str, ...] = ()

    takes_forward = True

    def forward_arguments(self, arguments):
        return [v for name, v in arguments.items() if name not in self.upstream]

    def upstream_arguments(self, arguments):
        return [arguments[name] for name in self.upstream]

    def call(self, f, arguments):
        *_, cache = self.forward(*self.forward_arguments(arguments))
        return f(*self.upstream_arguments(arguments), cache)

    def gradients_of(self, forward, arguments, by=exact_gradients):
        """Numerical gradients of a forward pass, by quantity (`dx` is that of `x`).

        What is differentiated is the sum of each upstream gradient times its output.
        """

        def loss(arguments):
            *outputs, _ = forward(*self.forward_arguments(arguments))
            used = outputs[: len(outputs) - len(self.unused)]
            upstream = self.upstream_arguments(arguments)
            products = (d * out for d, out in zip(upstream, used, strict=True))
            return sum(p.reshape(len(p), -1).sum(axis=1) for p in products)  # (N,)

        of = {q.name[1:]: q for q in self.returns}
        rows = [name for name, quantity in of.items() if quantity.axes.startswith("N")]
        found = by(loss, arguments, list(of), rows)
        return {f"d{name}": gradient for name, gradient in found.items()}

    def expected(self, arguments):
        return self.gradients_of(self.forward, arguments)
