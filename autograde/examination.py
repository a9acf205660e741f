"""The stages of a check, tried in the order of `report.KINDS`.

The first one that fails ends the examination, so that the message names the cause and not its
consequences.
"""

import copy
import inspect
import warnings
from contextlib import contextmanager
from functools import cached_property, lru_cache

import numpy as np

from autograde import diagnosis
from autograde.answer_key import Watch
from autograde.gradcheck import (
    CENTRAL_TOLERANCE,
    FLOOR,
    TOLERANCE,
    central_gradients,
    close,
    comparable,
    relative_error,
    same,
)
from autograde.report import KINDS, Finding, Report


def examine(exercise, f, forward, seed, keys=()):
    """Try everything on a function.

    Args:
        exercise: its `Exercise`.
        f: the function.
        forward: the student's forward pass, for an exercise that takes its cache.
        seed: of the random problems.
        keys: functions of the course that must not be called, because they are the answer.

    Returns:
        Report.
    """
    absent = set()
    if not exercise.has_values:
        absent.add("values")
    if not exercise.has_gradients:
        absent.add("gradients")
    report = Report(exercise.name, exercise.title, tuple(k for k in KINDS if k not in absent))
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _Examination(exercise, f, forward, seed, report, keys).run()
    except _Found as found:
        report.finding = found.finding
    except Exception as error:  # an object that cannot be compared, printed or even measured
        text = "What the function returned cannot be read: "
        report.finding = Finding("type", f"{text}{diagnosis.explain_exception(error)}")
    return report


NOTHING = "returns nothing"
# Subclasses of np.ndarray on which * or a sum means something else.
_OTHER_ALGEBRA = (np.matrix, np.ma.MaskedArray)


class _Found(Exception):
    """Carries the first finding out of an examination."""

    def __init__(self, finding):
        super().__init__(finding.message)
        self.finding = finding


class Case:
    """One problem to try a function on, in one precision and memory layout."""

    same_numbers = None  # the Case that has the same ones in another layout

    def __init__(self, exercise, problem, change=lambda array: array, precision="float64"):
        self.exercise, self.problem, self.change = exercise, problem, change
        self.precision = precision
        self.floor, self._predicted = FLOOR[precision], {}
        self.tolerance = exercise.tolerance if precision == "float64" else TOLERANCE[precision]

    def arguments(self):
        """A fresh set of arguments, which the function may do its worst to."""
        return _fresh(self.problem, self.change)

    @cached_property
    def expected(self):
        """The right quantities, computed in float64 from the very numbers that are handed over."""
        if self.same_numbers:
            return self.same_numbers.expected
        in_float64 = _fresh(self.arguments(), lambda a: a.astype(np.float64))
        return self.exercise.expected(in_float64)

    @cached_property
    def parts(self):
        """The compared arrays and scalars by name; a list has as many as there are layers here."""
        parts = self.exercise.parts()
        return {name: part for name, part in parts.items() if name in self.expected}

    def predicted(self, known):
        """What a known mistake answers here, or None where it cannot answer."""
        if known.name not in self._predicted:
            try:
                answer = self.exercise.call(known.function, self.arguments())
                self._predicted[known.name] = self.exercise.quantities(answer)
            except Exception:  # a wrong function may well fail, and then explains nothing
                self._predicted[known.name] = None
        return self._predicted[known.name]

    def dtype(self, name):
        """The dtype that a quantity should have."""
        expected = np.asarray(self.expected[name]).dtype
        return np.dtype(self.precision) if expected.kind == "f" else expected


class _Problems:
    """What one seed draws for an exercise.

    Attributes:
        sizes: of the main problem.
        main: the Case that is tried first, and again after others.
        others: Cases by description, of which the first has the sizes of the main one.
        edges: those and all further ones.
    """

    def __init__(self, exercise, seed):
        rng = np.random.default_rng([seed, *exercise.name.encode()])
        self.sizes = sizes = draw_sizes(rng)
        self.main = Case(exercise, exercise.problem(rng, sizes))
        self.others = {
            "on another problem of the same sizes": Case(exercise, exercise.problem(rng, sizes)),
            "on a problem of other sizes": Case(exercise, exercise.problem(rng, draw_sizes(rng))),
        }
        problems = exercise.edges(rng, sizes)
        if "T" in exercise.sizes:
            small = {letter: min(size, 3) for letter, size in sizes.items()}
            problems["over 12 time steps"] = exercise.problem(rng, {**small, "T": 12})
        for letter in exercise.sizes:
            problems[f"with {letter} = 1"] = exercise.problem(rng, {**sizes, letter: 1})
        if len(exercise.sizes) > 1:
            equal = exercise.problem(rng, dict.fromkeys(sizes, 3))
            problems[f"with {' = '.join(exercise.sizes)} = 3"] = equal
        self.edges = self.others | {name: Case(exercise, p) for name, p in problems.items()}
        if exercise.strided:
            strided = Case(exercise, self.main.problem, _strided)
            strided.same_numbers = self.main
            self.edges["with strided views as arguments"] = strided
        if exercise.floats:
            self.edges["with float32 arguments"] = Case(
                exercise, self.main.problem, lambda a: a.astype(np.float32), "float32"
            )


# A student who runs a check again meets the same problems, and so does a class with one seed.
_problems = lru_cache(maxsize=64)(_Problems)


class _Examination:
    """One function, one seed."""

    def __init__(self, exercise, f, forward, seed, report, keys):
        self.exercise, self.f, self.forward, self.report = exercise, f, forward, report
        self.problems = _problems(exercise, seed)
        self.main = self.problems.main
        self.rng = np.random.default_rng([seed, *exercise.name.encode(), 1])
        self.key = Watch(keys)
        self.main_is_right = False

    def run(self):
        self.check_signature()
        answer = self.answer(self.main)
        self.check_repeatable(answer)
        self.compare(self.main, answer, self.report.measured)
        self.main_is_right = True
        for description, case in self.problems.edges.items():
            with self.edge_case(description):
                self.compare(case, self.answer(case))
        if self.exercise.further:
            self.try_further()
        self.check_own()

    def try_further(self):
        """What the exercise tries beyond comparing numbers."""

        def call(arguments):
            return self.exercise.call(self.f, arguments)

        finding = self.guarded(lambda: self.exercise.further(call, self.rng, self.problems.sizes))
        if finding:
            raise _Found(finding)

    def check_own(self):
        """The computation must be the student's; what it builds on may be the course's."""
        if self.key.used:
            text = (
                f"The result is right, because it is the course's own answer: {self.key.used} was "
                "called, or a copy of it. Write the computation yourself; what earlier exercises "
                "asked for may come from helpers."
            )
            self.fail("own", None, text, mistake="answer key used")

    @contextmanager
    def edge_case(self, description):
        """What is found inside is a finding about the edge case of that description."""
        try:
            yield
        except _Found as found:
            here = found.finding
            kind = "dtype" if here.kind == "dtype" else "edge"
            message = f"Right on the first random problem, but not {description}: {here.message}"
            raise _Found(Finding(kind, message, here.quantity, here.mistake)) from found

    # Calling ------------------------------------------------------------------------------------

    def answer(self, case):
        """Call the function on a case, and return what it returned, well-formed and finite."""
        arguments = case.arguments()
        if self.exercise.takes_forward:
            cache = self.forward_cache(arguments)
            returned = self.backward(arguments, cache)
        else:
            returned = self.guarded(lambda: self.ask(arguments))
        if not self.exercise.judge:
            self.check_form(case, returned)
        self.check_unchanged(arguments, case.arguments())
        return returned

    def ask(self, arguments):
        """What the function returns; its first call is watched."""
        with self.key.first_call(self.f):
            return self.exercise.call(self.f, arguments)

    def forward_cache(self, arguments):
        """The cache that the student's forward pass makes."""
        exercise, own = self.exercise, self.exercise.forward.__name__
        before = copy.deepcopy(arguments)
        returned = self.guarded(
            lambda: self.forward(*exercise.forward_arguments(arguments)), who=f"Your {own}"
        )
        self.check_unchanged(arguments, before, who=f"your {own}")
        wanted = len(exercise.upstream) + len(exercise.unused) + 1
        if not isinstance(returned, tuple | list) or len(returned) != wanted:
            self.fail(
                "runs",
                "cache",
                f"Your {own} must return {wanted} things, the last of them the cache; it returned "
                f"{diagnosis.describe(returned)}. Mend it first: check({own}) says more.",
            )
        return returned[-1]

    def backward(self, arguments, cache):
        """The backward pass, which must leave the cache as it is."""
        before, fresh = _snapshot(cache), copy.deepcopy(arguments)
        upstream = self.exercise.upstream_arguments
        with self.key.first_call(self.f):
            returned = self.guarded(lambda: self.f(*upstream(arguments), cache))
        kept, unchanged = _snapshot(returned), same(before, cache, grown=True)
        if unchanged and self.gives(kept, upstream(fresh), cache):
            return returned
        # A change inside a cache that cannot be looked into is told from state by a new cache.
        if unchanged and not self.gives(kept, upstream(fresh), self.forward_cache(fresh)):
            self.fail(
                "repeatable",
                None,
                "A second backward pass through the same step gave other gradients. Something "
                "outlives the call: look for a global that is added to.",
                mistake="state kept between calls",
            )
        self.fail(
            "unchanged",
            "cache",
            "The cache is not what it was before the call, so that a second backward pass "
            "through the same step would go wrong. Look for .pop(), or for +=, *= or "
            "[...] = on an array that came out of the cache.",
            mistake="cache changed in place",
        )

    def gives(self, kept, upstream, cache):
        """Whether the function gives these gradients once more."""
        try:
            return same(self.f(*copy.deepcopy(upstream), cache), kept)
        except (Exception, SystemExit):
            return False

    def guarded(self, call, who="The function"):
        """What a call returns; an exception in it becomes a finding, and so may a warning."""
        try:
            return self.without_warning(call) if self.exercise.quiet else call()
        except _Found:  # a warning, said already
            raise
        except NotImplementedError as error:
            text = f"{who} is not written yet ({error or 'NotImplementedError'})."
            self.fail("runs", None, text, mistake="not written")
        except (Exception, SystemExit) as error:
            self.fail("runs", None, f"{who} raised {diagnosis.explain_exception(error)}")

    def without_warning(self, call):
        """What a call returns, if no floating-point operation in it complains."""
        with np.errstate(over="warn", invalid="warn", divide="warn"):
            with warnings.catch_warnings(record=True) as raised:
                warnings.simplefilter("always")
                returned = call()
        if raised:
            text = (
                f"The function gave the warning '{raised[0].message}'. A warning that may be "
                "ignored hides the next one that may not: choose a form in which nothing overflows."
            )
            self.fail("finite", self.exercise.returns[0].name, text, mistake="warning")
        return returned

    # The stages ---------------------------------------------------------------------------------

    def check_signature(self):
        exercise = self.exercise
        wanted = inspect.signature(exercise.reference)
        asked = [p for name, p in wanted.parameters.items() if name not in exercise.omitted]
        wanted = wanted.replace(parameters=asked)
        if not callable(self.f):
            text = f"Expected the function {exercise.name}{wanted}, got {self.f!r}."
            self.fail("signature", None, text + " Pass the function's name, without ().")
        try:
            signature = inspect.signature(self.f)
        except (TypeError, ValueError):  # some callables have none: calling them will tell
            return
        arguments = list(wanted.parameters)
        positional = [a for a in arguments if a not in exercise.keywords]
        try:
            signature.bind(*positional, **dict.fromkeys(exercise.keywords))
        except TypeError as error:
            self.fail(
                "signature",
                None,
                f"Expected the arguments {wanted}, got {signature} ({error}). "
                "Write the first line of the function as the exercise gives it.",
            )
        theirs = [a for a in signature.parameters if a in arguments]
        if len(theirs) == len(arguments) and theirs != arguments:
            self.fail(
                "signature",
                None,
                f"Expected the arguments in the order {wanted}, got {signature}.",
                mistake="arguments in another order",
            )

    def check_form(self, case, returned):
        """Number, types, shapes, dtypes and finiteness of what came back."""
        exercise = self.exercise
        names = ", ".join(q.name for q in exercise.returns)
        if returned is None:
            self.fail(
                "type",
                exercise.returns[0].name,
                f"Expected {names}, got nothing (None). Does the function end with a return?",
                mistake=NOTHING,
            )
        if len(exercise.returns) > 1 and (
            not isinstance(returned, tuple | list) or len(returned) != len(exercise.returns)
        ):
            text = f"Expected {len(exercise.returns)} things, {names}, got "
            self.fail("type", exercise.returns[0].name, f"{text}{diagnosis.describe(returned)}.")
        for quantity, one in zip(exercise.returns, exercise.each(returned), strict=True):
            if quantity.keys and not (isinstance(one, dict) and set(one) == set(quantity.keys)):
                text = f"{quantity.name}: expected a dict with the keys {', '.join(quantity.keys)}"
                self.fail("type", quantity.name, f"{text}, got {diagnosis.describe(one)}.")
            if quantity.each:
                self.check_list(case, quantity, one)
        values = exercise.quantities(returned)
        for stage in (self.check_type, self.check_shape, self.check_dtype, self.check_finite):
            for name, part in case.parts.items():
                stage(case, name, part, values)

    def check_list(self, case, quantity, value):
        """A list of tuples, one for each layer."""
        layers = sum(name in case.parts for name in quantity.parts()) // len(quantity.each)
        wanted = f"{layers} tuple{'s' if layers > 1 else ''} ({', '.join(quantity.each)})"
        text = f"{quantity.name}: expected a list of {wanted}, one for each layer, got "
        if not isinstance(value, tuple | list) or len(value) != layers:
            self.fail("type", quantity.name, f"{text}{diagnosis.describe(value)}.")
        for k, layer in enumerate(value):
            if not isinstance(layer, tuple | list) or len(layer) != len(quantity.each):
                text += f"{diagnosis.describe(layer)} as {quantity.name}[{k}]."
                self.fail("type", quantity.name, text)

    def check_type(self, case, name, part, values):
        value, got = values[name], diagnosis.describe(values[name])
        if not part.axes:
            holder = isinstance(value, tuple | list | dict) or value is None
            if value is None:
                self.fail("type", name, f"{name}: expected one number, got {got}.", mistake=NOTHING)
            if holder or np.ndim(value) or np.asarray(value).dtype.kind not in "fiu":
                hint = " Sum it, or average it?" if np.ndim(value) and not holder else ""
                text = f"{name}: expected one number, got {got}.{hint}"
                self.fail("type", name, text, case=case, values=values)
        elif not isinstance(value, np.ndarray) or isinstance(value, _OTHER_ALGEBRA):
            text = f"{name}: expected a NumPy array, got {got}.{self.type_hint(value)}"
            self.fail("type", name, text, case=case, values=values)
        elif value.dtype.kind not in "fiub":
            text = f"{name}: expected an array of real numbers, got dtype {value.dtype}."
            self.fail("type", name, text, case=case, values=values)

    def type_hint(self, value):
        """A guess at why something is not an array."""
        if isinstance(value, list):
            return " Make an array of it with np.array, or np.stack a list of arrays."
        if isinstance(value, tuple) and len(self.exercise.returns) == 1:
            return " Is there a comma too many after return?"
        if isinstance(value, tuple):
            return " Is the order of what is returned the one that is asked?"
        if isinstance(value, int | float | np.number):
            return " Was a sum or a mean taken over all axes?"
        return ""

    def check_shape(self, case, name, part, values):
        got, want = np.shape(values[name]), np.shape(case.expected[name])
        if got != want:
            letters = diagnosis.shape_with_letters(part.letters, want)
            text = f"{name}: expected the shape {letters}, got {got}."
            self.fail("shape", name, text, case=case, values=values)

    def check_dtype(self, case, name, part, values):
        if not part.axes:
            return
        got, want = values[name].dtype, case.dtype(name)
        if self.exercise.may_widen and got == np.float64:
            return
        if got != want and not (got.kind in "iu" and want.kind in "iu"):
            remedy = (
                "Results keep the dtype of the inputs: look for np.zeros, np.ones, np.eye or "
                "np.array that were not told one, and use np.zeros_like(...) or dtype=..."
                if case.precision == "float32"
                else "Look for an .astype, or a dtype= where an array is made."
                if got.kind == "f"
                else f"Turn it into {'floating-point numbers' if want.kind == 'f' else want} with "
                ".astype."
            )
            text = f"{name}: expected the dtype {want}, got {got}. {remedy}"
            self.fail("dtype", name, text, mistake=f"{got} in place of {want}")

    def check_finite(self, case, name, part, values):
        value = np.asarray(values[name])
        bad = np.argwhere(~np.isfinite(value))
        if len(bad):
            place = tuple(bad[0])
            text = (
                f"{name}{diagnosis.index(place) if place else ''}: expected finite numbers, got "
                f"{value[place]}. Look for exp of a large number, log of zero, a division by zero, "
                "or an np.empty that was not filled everywhere."
            )
            self.fail("finite", name, text, case=case, values=values)

    def check_unchanged(self, after, before, who="the function"):
        for name in before:
            if name not in self.exercise.in_place and not same(after[name], before[name]):
                self.fail(
                    "unchanged",
                    name,
                    f"{name} is not what it was before the call: {who} changed its argument "
                    f"in place, and whoever called it still needs {name}. Look for +=, -=, *= or "
                    "[...] = on it or on a view of it, and work on a copy or a new array.",
                    mistake="argument changed in place",
                )

    def check_repeatable(self, answer):
        """The same call again, and again after other problems', gives the same answer."""
        kept, caches = self.kept(answer), _snapshot(self.caches(answer))
        self.expect_again(self.main_again, kept)
        for description, case in self.problems.others.items():
            with self.edge_case(description):
                self.answer(case)
            if not same(self.kept(answer, snapshot=False), kept):
                self.fail(
                    "repeatable",
                    None,
                    "An answer already returned changed when the function was called again: both "
                    "calls write into one array. Make a new one in each call.",
                    mistake="one buffer for all calls",
                )
            if caches is not None and not same(caches, self.caches(answer), grown=True):
                self.fail(
                    "repeatable",
                    "cache",
                    "The cache that a call returned changed when the function was called again, so "
                    "that a backward pass gets what belongs to another call. Is it a global, or a "
                    "default argument? Make a new one in each call.",
                    mistake="one cache for all calls",
                )
            if self.exercise.takes_forward:
                self.expect_again(lambda case=case: self.main_with_forward_between(case), kept)
            else:
                self.expect_again(self.main_again, kept)

    def kept(self, answer, snapshot=True):
        """What two calls are compared by: the answer without its caches."""
        seen = answer if self.exercise.judge else self.exercise.quantities(answer)
        return _snapshot(seen) if snapshot else seen

    def caches(self, answer):
        """What a forward pass returned for its backward pass."""
        where = [k for k, q in enumerate(self.exercise.returns) if q.role == "cache"]
        return [answer[k] for k in where]

    def main_again(self):
        return self.answer(self.main)

    def main_with_forward_between(self, case):
        """A backward pass must use the cache it is handed, not what ran last."""
        arguments = self.main.arguments()
        cache = self.forward_cache(arguments)
        self.forward_cache(case.arguments())
        return self.backward(arguments, cache)

    def expect_again(self, call, kept):
        """The main problem's answer once more; whatever is wrong with it now was not at first."""
        try:
            if same(self.kept(call(), snapshot=False), kept):
                return
            trouble = ""
        except _Found as found:
            trouble = f" This time: {found.finding.message}"
        self.fail(
            "repeatable",
            None,
            "The same arguments gave another answer when the function was called again. "
            "Something outlives the call: a global, a default argument or an attribute that is "
            "changed, or random numbers that come from elsewhere than an rng argument. Keep "
            f"everything in local variables{' and in the cache' if self.forward else ''}.{trouble}",
            mistake="state kept between calls",
        )

    def compare(self, case, answer, rows=None):
        """Hold every quantity against what it should be; values first, then gradients."""
        exercise = self.exercise
        if exercise.judge:
            finding = exercise.judge(answer, case.arguments(), lambda a: exercise.call(self.f, a))
            if finding:
                raise _Found(finding)
            return
        values, parts, wrong = exercise.quantities(answer), case.parts, {}
        for name in parts:
            error = relative_error(values[name], case.expected[name], case.floor)
            right = error <= case.tolerance
            self.report.worst = max(self.report.worst, error / case.tolerance)
            if rows is not None:
                rows.append((name, np.shape(values[name]), error, case.tolerance, right))
            if not right:
                wrong[name] = error
        for name in sorted(wrong, key=lambda name: parts[name].role == "gradient")[:1]:
            text = (
                diagnosis.where(parts[name], values[name], case.expected[name], case.tolerance)
                + self.shown(case, name, values)
                + f" The error of {name} as a whole is {wrong[name]:.1e}, allowed is "
                f"{case.tolerance:.0e}." + diagnosis.rest(parts, wrong, name)
            )
            kind = "gradients" if parts[name].role == "gradient" else "values"
            self.fail(kind, name, text, case=case, values=values)

    def shown(self, case, name, values):
        """What the exercise has to say on where a wrong quantity first leaves the right one."""
        shows = self.exercise.shows
        return shows(values[name], case.expected[name], case.problem) if shows else ""

    # The reason ---------------------------------------------------------------------------------

    def fail(self, kind, quantity, message, *, mistake=None, case=None, values=None):
        """Raise a finding; given the answer, with the known mistake that explains it, if any."""
        if case is not None:
            mistake, says = self.reason(case, values, quantity)
            message += f"\n{says}" if says else ""
        raise _Found(Finding(kind, message, quantity, mistake))

    def reason(self, case, values, quantity):
        """The known mistake that gives this very answer, and what to say of it."""
        partly = None
        for known in self.exercise.mistakes:
            predicted = case.predicted(known)
            if predicted is None or not comparable(predicted[quantity], values[quantity]):
                continue
            if not close(predicted[quantity], values[quantity]):
                continue
            if close(predicted[quantity], case.expected[quantity]):
                continue  # on this problem the mistake makes no difference
            if self.main_is_right and self.shows_on_main(known):
                continue  # it would have been found there already
            if all(
                comparable(v, predicted[n]) and close(predicted[n], v) for n, v in values.items()
            ):
                return known.name, known.sentence
            if np.isfinite(np.asarray(values[quantity])).all():
                partly = partly or known  # many mistakes give the same infinities
        if partly:
            return partly.name, partly.sentence_of(quantity)
        if not self.exercise.takes_forward or self.forward_is_right(case):
            return None, ""
        own = self.exercise.forward.__name__
        if self.right_for_own_forward(case, values):
            return f"wrong {own}", (
                f"Your gradient is right for your forward pass. It is {own} that does not compute "
                f"what the exercise asks: mend that first, check({own}) says where."
            )
        return f"wrong {own}", (
            f"Your {own} does not compute what the exercise asks, and its cache is what this "
            f"gradient is made from: mend that first, check({own}) says where."
        )

    def shows_on_main(self, known):
        """Whether a known mistake goes wrong on the first problem."""
        predicted = self.main.predicted(known)
        return predicted is not None and not all(
            close(predicted[name], right) for name, right in self.main.expected.items()
        )

    def right_for_own_forward(self, case, values):
        """Whether the gradients are those of the student's own forward pass."""
        if case.precision != "float64":
            return False
        try:
            own = self.exercise.gradients_of(self.forward, case.arguments(), by=central_gradients)
        except Exception:  # a forward pass that cannot be measured: nothing to say about it
            return False
        return all(
            np.shape(values[name]) == gradient.shape
            and relative_error(values[name], gradient, floor=1e-2) <= CENTRAL_TOLERANCE
            for name, gradient in own.items()
        )

    def forward_is_right(self, case):
        """Whether the student's forward pass gives what the reference's gives, or cannot be run."""
        try:
            outputs = [
                forward(*self.exercise.forward_arguments(case.arguments()))[:-1]
                for forward in (self.forward, self.exercise.forward)
            ]
            return all(close(a, b) for a, b in zip(*outputs, strict=True))
        except Exception:  # nothing to say about it
            return True


def draw_sizes(rng):
    """Different sizes for all axes, because equal ones hide wrong transposes.

    Returns:
        dict from the letters N, T, D, H, V to numbers from 2 to 6, and from L, F, E to numbers from
        7 to 9; T and V are at least 3, because two steps or two classes hide mistakes as well.
    """
    more = rng.spawn(1)[0].permutation([7, 8, 9])
    while True:
        drawn = (*rng.permutation([2, 3, 4, 5, 6]), *more)
        sizes = dict(zip("NTDHVLFE", (int(s) for s in drawn), strict=True))
        if sizes["T"] >= 3 and sizes["V"] >= 3:
            return sizes


def _fresh(value, change):
    """A deep copy of a problem, with every floating-point array changed."""
    if type(value) is np.ndarray:
        return change(value.copy()) if value.dtype.kind == "f" else value.copy()
    if type(value) is dict:
        return {key: _fresh(v, change) for key, v in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_fresh(v, change) for v in value)
    return copy.deepcopy(value)


def _strided(array):
    """The same numbers, every other place of a wider array."""
    if array.ndim == 0:
        return array
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def _snapshot(value):
    """A deep copy, or None for what cannot be copied."""
    try:
        return copy.deepcopy(value)
    except Exception:  # a cache may be anything, a generator too
        return None
