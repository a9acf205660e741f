"""Every exercise: right for its reference, wrong for a stub and for every known mistake."""

import inspect
import re

import numpy as np
import pytest
from own_work import own

from autograde import CheckFailed, check
from autograde.exercises import EXERCISES

SEEDS = range(5)
MISTAKES = [(e, m) for e in EXERCISES.values() for m in e.mistakes]


def forward_of(exercise):
    return {"forward": exercise.forward} if exercise.takes_forward else {}


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)
def test_the_reference_is_right(exercise):
    for seed in SEEDS:
        report = check(own(exercise.reference), seed=seed, **forward_of(exercise))
        assert report.passed and not report.notes


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)
def test_the_measured_error_of_a_right_answer_is_far_below_what_is_allowed(exercise):
    for seed in SEEDS:
        for name, _, error, allowed, right in check(
            own(exercise.reference), seed=seed, **forward_of(exercise)
        ).measured:
            assert right and error < allowed / 100, name


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)
def test_a_stub_fails_as_not_written(exercise):
    def stub(*args, **kwargs):
        raise NotImplementedError(f"{exercise.title}: write it")

    with pytest.raises(CheckFailed) as failure:
        check(stub, name=exercise.name, **forward_of(exercise))
    assert (failure.value.kind, failure.value.mistake) == ("runs", "not written")
    assert exercise.title in str(failure.value)


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES, ids=lambda x: x.name)
def test_a_known_mistake_is_refused_under_its_own_name(exercise, mistake):
    for seed in SEEDS:
        with pytest.raises(CheckFailed) as failure:
            check(mistake.function, name=exercise.name, seed=seed, **forward_of(exercise))
        found = failure.value
        assert found.mistake == mistake.name, str(found)
        assert found.quantity in {p for q in exercise.returns for p in q.parts()}
        assert found.quantity in str(found) and mistake.says in str(found)


def test_the_points_of_each_notebook_are_whole_and_positive():
    assert all(isinstance(e.points, int) and e.points > 0 for e in EXERCISES.values())


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)
def test_no_message_gives_the_code_of_the_answer(exercise):
    lines = inspect.getsource(exercise.reference).split('"""')[-1].splitlines()
    code = [line.split("#")[0].replace(" ", "").removeprefix("return") for line in lines]
    telling = [piece for line in code for piece in re.split(r"[,=;]", line) if len(piece) > 7]
    assert telling
    for mistake in exercise.mistakes:
        says = mistake.sentence.replace(" ", "")
        assert not [piece for piece in telling if piece in says], mistake.name


def test_mistakes_of_an_exercise_have_different_names():
    for exercise in EXERCISES.values():
        names = [m.name for m in exercise.mistakes]
        assert len(set(names)) == len(names), exercise.name


# The exercises that are judged by what their answer does, and not against one right answer.


def refused(f, name, **kwargs):
    with pytest.raises(CheckFailed) as failure:
        check(f, name=name, **kwargs)
    return failure.value


def delivery(Wx=1.0, Wh=1.0, turn_x=1, turn_h=1, H=3):
    def weights():
        eye = np.eye(3)
        return (
            Wx * np.roll(eye, turn_x, axis=1),
            Wh * np.roll(eye, turn_h, axis=1),
            np.zeros(3),
            np.eye(3),
            np.zeros(3),
        )

    return weights


@pytest.mark.parametrize(
    ("wrong", "mistake"),
    [
        (delivery(Wh=0.0), "no memory"),
        (delivery(turn_h=-1), "memory turned backwards"),
        (delivery(Wx=3, turn_h=0), "memory stands still"),
        (delivery(turn_x=0), "yesterday's dish repeated"),
        (delivery(turn_x=-1), "menu rule turned backwards"),
        (delivery(Wx=0.0, Wh=0.0), "Wx all zeros"),
    ],
)
def test_delivery_weights_that_do_not_follow_the_rule(wrong, mistake):
    found = refused(wrong, "delivery_weights")
    assert (found.kind, found.mistake) == ("values", mistake)


def test_delivery_weights_with_other_hidden_sizes_and_scales_are_right():
    def six_units():
        P = np.roll(np.eye(3), 1, axis=1)
        twice, both = np.hstack([P, P]), np.vstack([np.eye(3), np.eye(3)])
        Wh = np.block([[P, P], [P, P]]) * 0.4
        return 0.9 * twice, Wh, np.zeros(6), 2.5 * both, np.full(3, -1.0)

    assert check(six_units, name="delivery_weights").passed
    assert check(delivery(Wx=5, Wh=0.7), name="delivery_weights").passed


def test_delivery_weights_of_a_wrong_form():
    assert refused(lambda: np.eye(3), "delivery_weights").kind == "type"
    found = refused(lambda: (np.eye(3), np.eye(4), np.zeros(3), np.eye(3), np.zeros(3)),
                    "delivery_weights")  # fmt: skip
    assert (found.kind, found.quantity) == ("shape", "Wh")


def test_task_shapes_names_the_task_but_not_the_answer():
    right = EXERCISES["task_shapes"].reference()
    for task, (shape, step) in right.items():
        other = next(s for s, _ in right.values() if s != shape)
        found = refused(lambda t=task, o=other, s=step: {**right, t: (o, s)}, "task_shapes")
        assert (found.kind, found.quantity, found.mistake) == ("values", task, "another shape")
        assert shape not in str(found).replace(other, "")
        other = next(s for _, s in right.values() if s != step)
        found = refused(lambda t=task, s=shape, o=other: {**right, t: (s, o)}, "task_shapes")
        assert (found.quantity, found.mistake) == (task, "another step")
    assert refused(lambda: {}, "task_shapes").kind == "type"


@pytest.mark.parametrize(
    ("number", "mistake"),
    [
        (lambda text: dict.fromkeys(text), "numbered by first appearance"),
        (lambda text: sorted(set(text), reverse=True), "not in sorted order"),
    ],
)
def test_vocabularies_in_another_order(number, mistake):
    def vocab(text):
        characters = list(number(text))
        return {c: i for i, c in enumerate(characters)}, dict(enumerate(characters))

    found = refused(vocab, "build_vocab")
    assert (found.kind, found.quantity, found.mistake) == ("values", "char_to_ix", mistake)


def test_vocabularies_with_other_slips():
    right = EXERCISES["build_vocab"].reference
    assert refused(lambda t: right(t)[::-1], "build_vocab").mistake == "the two mappings exchanged"
    repeated = {c: i for i, c in enumerate(sorted("hello"))}
    found = refused(lambda t: ({c: i for i, c in enumerate(sorted(t))}, repeated), "build_vocab")
    assert found.mistake == "repeated characters counted"
    found = refused(lambda t: (right(t)[0], right(t)[0]), "build_vocab")
    assert (found.quantity, found.mistake) == ("ix_to_char", "the same mapping twice")
    found = refused(
        lambda t: ({c: i + 1 for c, i in right(t)[0].items()}, right(t)[1]), "build_vocab"
    )
    assert found.mistake == "numbered from 1"
    assert refused(lambda t: right(t.lower()), "build_vocab", seed=1).quantity == "char_to_ix"


def test_a_list_undoes_the_vocabulary_as_well_as_a_dict():
    def vocab(text):
        characters = sorted(set(text))
        return {c: i for i, c in enumerate(characters)}, characters

    assert check(vocab, name="build_vocab").passed


def test_chunk_slips_are_named():
    from autograde.exercises.bptt import CHUNK_SLIPS

    for name, f, says in CHUNK_SLIPS:
        found = refused(f, "truncated_chunks")
        assert found.mistake == name and says in str(found)


def test_an_endless_iterator_of_chunks_ends():
    def endless(tokens, length):
        while True:
            yield tokens[:, :length], tokens[:, 1 : length + 1]

    assert refused(endless, "truncated_chunks").kind in ("shape", "values")
