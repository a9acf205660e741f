"""07 · gru: one state, three gates."""

from functools import partial
from types import SimpleNamespace

import numpy as np

from autograde.exercises import problems
from autograde.exercises.declaration import CACHE, Backward, Exercise, Mistake, gradients, values
from helpers import gru
from helpers.lstm import sigmoid

exercise = partial(Exercise, notebook="07")
backward_exercise = partial(Backward, notebook="07")


# one step ---------------------------------------------------------------------------------------


def step_problem(rng, s):
    return problems.gated_step(rng, s, 3)


def step(
    order=(0, 1, 2),
    columns=lambda k, H: slice(k * H, (k + 1) * H),
    use_bias=True,
    weights=lambda W: W,
    **rules,
):
    """A wrong step, by what is wrong with it.

    Args:
        order: which columns are taken for z, r, n.
        columns: where those of the k-th block lie.
        use_bias: whether there is one.
        weights: what is done to each block of Wh.
        **rules: in place of those in `right`, each a function of what is known so far.
    """
    right = {
        "z": lambda v: sigmoid(v.xz + v.h @ v.Whz),
        "r": lambda v: sigmoid(v.xr + v.h @ v.Whr),
        "n": lambda v: np.tanh(v.xn + v.bn + (v.r * v.h) @ v.Whn),
        "new": lambda v: (1 - v.z) * v.n + v.z * v.h,
    }

    def wrong(x, h_prev, Wx, Wh, b):
        H = h_prev.shape[1]
        blocks = [columns(k, H) for k in order]
        v = SimpleNamespace(x=x, h=h_prev)
        v.Whz, v.Whr, v.Whn = (weights(Wh[:, at]) for at in blocks)
        bias = [b[at] if use_bias else 0 for at in blocks]
        v.xz, v.xr = (x @ Wx[:, at] + one for at, one in zip(blocks[:2], bias[:2], strict=True))
        v.xn, v.bn = x @ Wx[:, blocks[2]], bias[2]
        changed = {**right, **rules}
        for name in ("r", "z", "n", "new"):
            setattr(v, name, changed[name](v))
        return v.new

    return wrong


STEP_MISTAKES = (
    (
        "z and 1 - z exchanged",
        step(new=lambda v: v.z * v.n + (1 - v.z) * v.h),
        "Here z says how much is kept: where it is 1 the old state stays, where it is 0 the "
        "candidate takes its place. Other papers let z say how much is renewed.",
    ),
    (
        "columns in the order r, z, n",
        step(order=(1, 0, 2)),
        "That is PyTorch's order. Here the first H columns are those of z, the next H those of r.",
    ),
    (
        "columns in the order n, z, r",
        step(order=(1, 2, 0)),
        "The first H columns are those of z, the next H those of r, the last H those of n.",
    ),
    (
        "gates in every third column",
        step(columns=lambda k, H: slice(k, 3 * H, 3)),
        "The columns come in three blocks of H, not in turn: first all of z, then all of r, then "
        "all of n.",
    ),
    (
        "reset after the product",
        step(n=lambda v: np.tanh(v.xn + v.bn + v.r * (v.h @ v.Whn))),
        "That is what PyTorch and cuDNN compute. Here r scales the old state before the product "
        "with its weights mixes the units.",
    ),
    (
        "reset after the product, of the bias too",
        step(n=lambda v: np.tanh(v.xn + v.r * (v.h @ v.Whn + v.bn))),
        "Here r scales nothing but the old state, and it does so before the product.",
    ),
    (
        "reset left out",
        step(n=lambda v: np.tanh(v.xn + v.bn + v.h @ v.Whn)),
        "The candidate sees the old state only as far as r lets it through.",
    ),
    (
        "1 - r in place of r",
        step(n=lambda v: np.tanh(v.xn + v.bn + ((1 - v.r) * v.h) @ v.Whn)),
        "Where r is 1 the candidate sees the old state in full, where it is 0 not at all.",
    ),
    (
        "z in place of r in the candidate",
        step(n=lambda v: np.tanh(v.xn + v.bn + (v.z * v.h) @ v.Whn)),
        "What the candidate sees of the past is for r to say; z comes in with the mixture.",
    ),
    (
        "r in place of 1 - z",
        step(new=lambda v: v.r * v.n + v.z * v.h),
        "z alone sets the mixture: what is kept and what is written sum to 1. r has done its work "
        "inside the candidate.",
    ),
    (
        "reset of the state that is kept",
        step(new=lambda v: (1 - v.z) * v.n + v.z * v.r * v.h),
        "r is for the candidate only; what z keeps is the old state as it was.",
    ),
    (
        "reset of the state that z looks at",
        step(z=lambda v: sigmoid(v.xz + (v.r * v.h) @ v.Whz)),
        "r is for the candidate only; both gates look at the old state as it was.",
    ),
    (
        "reset of the input too",
        step(n=lambda v: np.tanh(v.r * (v.xn + v.bn + v.h @ v.Whn))),
        "r decides what the candidate sees of the past; the input and the bias enter in full.",
    ),
    (
        "sigmoid in place of the candidate's tanh",
        step(n=lambda v: sigmoid(v.xn + v.bn + (v.r * v.h) @ v.Whn)),
        "n is content and may be negative: tanh. Gates are shares between 0 and 1: sigmoid.",
    ),
    (
        "tanh left out of the candidate",
        step(n=lambda v: v.xn + v.bn + (v.r * v.h) @ v.Whn),
        "The candidate is squashed to between -1 and 1, and with it the state.",
    ),
    (
        "tanh in place of the gates' sigmoid",
        step(
            z=lambda v: np.tanh(v.xz + v.h @ v.Whz),
            r=lambda v: np.tanh(v.xr + v.h @ v.Whr),
        ),
        "A gate is a share between 0 and 1; tanh goes down to -1.",
    ),
    (
        "sign in the sigmoid's exponent",
        step(
            z=lambda v: sigmoid(-v.xz - v.h @ v.Whz),
            r=lambda v: sigmoid(-v.xr - v.h @ v.Whr),
        ),
        "A sigmoid rises: the larger the sum, the wider the gate stands open.",
    ),
    (
        "tanh over the new state",
        step(new=lambda v: np.tanh((1 - v.z) * v.n + v.z * v.h)),
        "The mixture is the new state already. A tanh after it would shrink, at every step, what z "
        "wants to keep.",
    ),
    (
        "bias left out",
        step(use_bias=False),
        "Each gate, and the candidate, has a bias: H of the numbers in b.",
    ),
    (
        "the candidate's bias left out",
        step(n=lambda v: np.tanh(v.xn + (v.r * v.h) @ v.Whn)),
        "The last H numbers of b are the candidate's bias.",
    ),
    (
        "past ignored by the candidate",
        step(n=lambda v: np.tanh(v.xn + v.bn)),
        "The candidate is made of the input and of what r lets through of the old state.",
    ),
    (
        "past ignored by the gates",
        step(z=lambda v: sigmoid(v.xz), r=lambda v: sigmoid(v.xr)),
        "z and r look at the input and at the old state, each with weights of its own.",
    ),
    (
        "old state not kept",
        step(new=lambda v: (1 - v.z) * v.n),
        "The new state is a mixture of two: the candidate, and the old state, whose share is z.",
    ),
    (
        "candidate added in full",
        step(new=lambda v: v.n + v.z * v.h),
        "One gate does the work of two: what is kept and what is written sum to 1.",
    ),
    (
        "Wh transposed",
        step(weights=np.transpose),
        "States are row vectors here and stand left of each block of Wh, which stays as it is.",
    ),
)


def far_out(problem, state):
    """Edges of a forward pass: numbers that a clipped state or a clipped sum would show at."""
    return {
        "for a large state": {
            **problem,
            state: 100 * problem[state],
            "Wh": 0.01 * problem["Wh"],
        },
        "for gates far open or shut": {**problem, "b": 10 * np.sign(problem["b"])},
    }


GRU_STEP_FORWARD = exercise(
    name="gru_step_forward",
    points=3,
    reference=gru.gru_step_forward,
    problem=step_problem,
    returns=(*values(h="NH"), CACHE),
    sizes="NDH",
    omitted=("reset_after",),
    edges=lambda rng, s: far_out(step_problem(rng, s), "h_prev"),
    mistakes=tuple(
        Mistake(name, lambda *a, wrong=wrong: (wrong(*a), None), says)
        for name, wrong, says in STEP_MISTAKES
    ),
)


def step_backward_problem(rng, s):
    return {**step_problem(rng, s), "dh": problems.normal(rng, s["N"], s["H"])}


def columns(*blocks):
    return np.concatenate(blocks, axis=1)


# The way back in single rules, each a function of what is known so far; a mistake changes some.
RULES = {
    "z": lambda v: v.gates[0],
    "r": lambda v: v.gates[1],
    "dz": lambda v: v.dh * (v.h_prev - v.n),
    "dn": lambda v: v.dh * (1 - v.z),
    "dan": lambda v: v.dn * (1 - v.n**2),
    "dm": lambda v: v.dan @ v.Whn.T,  # m = r h_prev
    "dr": lambda v: v.dm * v.h_prev,
    "daz": lambda v: v.dz * v.z * (1 - v.z),
    "dar": lambda v: v.dr * v.r * (1 - v.r),
    "da": lambda v: columns(v.daz, v.dar, v.dan),
    "kept": lambda v: v.dh * v.z,  # the four paths to h_prev
    "seen": lambda v: v.dm * v.r,
    "asked_z": lambda v: v.daz @ v.Whz.T,
    "asked_r": lambda v: v.dar @ v.Whr.T,
    "dx": lambda v: v.da @ v.Wx.T,
    "dh_prev": lambda v: v.kept + v.seen + v.asked_z + v.asked_r,
    "dWx": lambda v: v.x.T @ v.da,
    "dWhn": lambda v: (v.r * v.h_prev).T @ v.dan,
    "dWh": lambda v: columns(v.h_prev.T @ v.daz, v.h_prev.T @ v.dar, v.dWhn),
    "db": lambda v: v.da.sum(axis=0),
}


def step_backward(**changes):
    """A wrong `gru_step_backward`: some of its rules changed, all others kept."""

    def wrong(dh, cache):
        x, h_prev, Wx, Wh, _, (z, r, n, *_) = cache
        H = h_prev.shape[1]
        v = SimpleNamespace(dh=dh, x=x, h_prev=h_prev, Wx=Wx, Wh=Wh, gates=(z, r), n=n)
        v.Whz, v.Whr, v.Whn = Wh[:, :H], Wh[:, H : 2 * H], Wh[:, 2 * H :]
        for name, rule in {**RULES, **changes}.items():
            setattr(v, name, rule(v))
        return v.dx, v.dh_prev, v.dWx, v.dWh, v.db

    return wrong


def nothing(v):
    return 0 * v.dh


BACKWARD_MISTAKES = (
    (
        "z and r exchanged",
        dict(z=lambda v: v.gates[1], r=lambda v: v.gates[0]),
        "What is used as z is r, and the other way round. Are they taken out of the cache in the "
        "order in which they were put in?",
    ),
    (
        "upstream gradient left out",
        dict(dz=lambda v: v.h_prev - v.n, dn=lambda v: 1 - v.z, kept=lambda v: v.z),
        "Every path begins with what arrives from above, dh.",
    ),
    (
        "only z's direct path to h_prev",
        dict(seen=nothing, asked_z=nothing, asked_r=nothing),
        "The old state was used four times: by the mixture, by the candidate and by both gates. "
        "Four gradients come back to it, and are added.",
    ),
    (
        "z's direct path to h_prev left out",
        dict(kept=nothing),
        "The old state goes straight into the new one, scaled by z. That path has no weights and "
        "no squashing on it, and is what keeps the gradient alive.",
    ),
    (
        "the candidate's path to h_prev left out",
        dict(seen=nothing),
        "The old state also reaches the candidate, by way of r and the product.",
    ),
    (
        "the gates' paths to h_prev left out",
        dict(asked_z=nothing, asked_r=nothing),
        "z and r were computed from the old state too, so gradients come back through them.",
    ),
    (
        "path through z to h_prev left out",
        dict(asked_z=nothing),
        "z was computed from the old state too, so a gradient comes back through its product.",
    ),
    (
        "path through r to h_prev left out",
        dict(asked_r=nothing),
        "r was computed from the old state too, so a gradient comes back through its product.",
    ),
    (
        "the way back through r left out",
        dict(dr=nothing),
        "r changes what the candidate sees, so a gradient reaches r, and through r the input, the "
        "old state and the weights of the second block of columns.",
    ),
    (
        "the way back through z left out",
        dict(dz=nothing),
        "z sets the mixture, so a gradient reaches z, and through z the input, the old state and "
        "the weights of the first block of columns.",
    ),
    (
        "h_prev in place of r h_prev in dWh",
        dict(dWhn=lambda v: v.h_prev.T @ v.dan),
        "In the last block Wh was multiplied by the state after the reset, so the state after the "
        "reset stands in its gradient.",
    ),
    (
        "r forgotten on the way to h_prev",
        dict(seen=lambda v: v.dm),
        "Between the product and the old state stands r, and it scales the gradient as it scaled "
        "the state.",
    ),
    (
        "h_prev forgotten on the way to r",
        dict(dr=lambda v: v.dm),
        "r was multiplied by the old state: each factor gets the gradient times the other one.",
    ),
    (
        "r and h_prev exchanged on the way back through the reset",
        dict(dr=lambda v: v.dm * v.r, seen=lambda v: v.dm * v.h_prev),
        "In a product of two, each factor gets the gradient times the other one.",
    ),
    (
        "the product left out on the way to r and h_prev",
        dict(dm=lambda v: v.dan),
        "Between the candidate's sum and the reset state stands the last block of Wh.",
    ),
    (
        "gradient of the reset after the product",
        dict(
            dr=lambda v: v.dan * (v.h_prev @ v.Whn),
            seen=lambda v: (v.dan * v.r) @ v.Whn.T,
            dWhn=lambda v: v.h_prev.T @ (v.dan * v.r),
        ),
        "This is right for the form that PyTorch computes. Here r scales the old state before the "
        "product, so going back the product comes first, and r after it.",
    ),
    (
        "slope of the sigmoid left out",
        dict(daz=lambda v: v.dz, dar=lambda v: v.dr),
        "Between a gate and its sum stands the sigmoid, and its slope scales the gradient.",
    ),
    (
        "slope of the sigmoid left out for z",
        dict(daz=lambda v: v.dz),
        "Between z and its sum stands a sigmoid, and its slope scales the gradient.",
    ),
    (
        "slope of the sigmoid left out for r",
        dict(dar=lambda v: v.dr),
        "Between r and its sum stands a sigmoid, and its slope scales the gradient.",
    ),
    (
        "slope of tanh left out",
        dict(dan=lambda v: v.dn),
        "Between the candidate and its sum stands tanh, and its slope scales the gradient.",
    ),
    (
        "tanh taken a second time",
        dict(dan=lambda v: v.dn * (1 - np.tanh(v.n) ** 2)),
        "n is the tanh already: its slope is made of n itself.",
    ),
    (
        "sigmoid taken a second time",
        dict(
            daz=lambda v: v.dz * sigmoid(v.z) * (1 - sigmoid(v.z)),
            dar=lambda v: v.dr * sigmoid(v.r) * (1 - sigmoid(v.r)),
        ),
        "z and r are sigmoids already: their slopes are made of z and r themselves.",
    ),
    (
        "n² in place of 1 - n²",
        dict(dan=lambda v: v.dn * v.n**2),
        "The slope of tanh is largest, 1, where the tanh is 0.",
    ),
    (
        "h in place of n in the slope of tanh",
        dict(dan=lambda v: v.dn * (1 - (v.n + v.z * (v.h_prev - v.n)) ** 2)),
        "In the vanilla cell the state was the tanh. Here the candidate is, and the state a "
        "mixture.",
    ),
    (
        "slope of tanh in place of the sigmoid's",
        dict(daz=lambda v: v.dz * (1 - v.z**2), dar=lambda v: v.dr * (1 - v.r**2)),
        "The gates are sigmoids: the slope of one whose value is s is s (1 - s).",
    ),
    (
        "slope of the sigmoid in place of tanh's",
        dict(dan=lambda v: v.dn * v.n * (1 - v.n)),
        "The candidate is a tanh: its slope is 1 minus its square.",
    ),
    (
        "sign of dz",
        dict(dz=lambda v: v.dh * (v.n - v.h_prev)),
        "A larger z gives more of the old state and less of the candidate: which of the two comes "
        "with a minus?",
    ),
    (
        "z's effect on the candidate's share left out",
        dict(dz=lambda v: v.dh * v.h_prev),
        "z stands in the mixture twice: as the share of the old state, and in that of the "
        "candidate.",
    ),
    (
        "z's effect on the old state's share left out",
        dict(dz=lambda v: -v.dh * v.n),
        "z stands in the mixture twice: in the share of the candidate, and as that of the old "
        "state.",
    ),
    (
        "1 - z left out on the way to the candidate",
        dict(dn=lambda v: v.dh),
        "The candidate's share of the new state scales the gradient that it gets.",
    ),
    (
        "z and 1 - z exchanged",
        dict(
            dz=lambda v: v.dh * (v.n - v.h_prev),
            dn=lambda v: v.dh * v.z,
            kept=lambda v: v.dh * (1 - v.z),
        ),
        "Here z is the share of the old state, on the way back as on the way forward. If "
        "check(gru_step_forward) says the same, mend that first.",
    ),
    (
        "Wh not transposed",
        dict(
            dm=lambda v: v.dan @ v.Whn,
            asked_z=lambda v: v.daz @ v.Whz,
            asked_r=lambda v: v.dar @ v.Whr,
        ),
        "On the way back through a product the matrix is transposed, each block by itself.",
    ),
    (
        "gradients of z and r exchanged",
        dict(da=lambda v: columns(v.dar, v.daz, v.dan)),
        "The columns belong to z, r and n in this order, in the gradients as in the weights.",
    ),
    (
        "blocks of dWh transposed",
        dict(
            dWh=lambda v: columns(
                v.daz.T @ v.h_prev, v.dar.T @ v.h_prev, v.dan.T @ (v.r * v.h_prev)
            )
        ),
        "In each block of dWh, as in Wh, the rows belong to the old state and the columns to the "
        "gate.",
    ),
    (
        "dWh transposed",
        dict(dWh=lambda v: RULES["dWh"](v).T),
        "dWh has the shape of Wh, (H, 3H).",
    ),
    (
        "dWx transposed",
        dict(dWx=lambda v: v.da.T @ v.x),
        "dWx has the shape of Wx, (D, 3H).",
    ),
    (
        "h in place of h_prev in dWh",
        dict(
            dWh=lambda v: columns(
                *((v.n + v.z * (v.h_prev - v.n)).T @ d for d in (v.daz, v.dar)), v.dWhn
            )
        ),
        "Wh was multiplied by the state before the step, so that state stands in its gradient.",
    ),
    (
        "mean over the batch in the weights' gradients",
        dict(
            dWx=lambda v: RULES["dWx"](v) / len(v.x),
            dWh=lambda v: RULES["dWh"](v) / len(v.x),
            db=lambda v: v.da.mean(axis=0),
        ),
        "Weights are shared by the batch, so their gradients are sums over it; the average belongs "
        "to the loss, and has been taken there.",
    ),
    (
        "mean over the batch in db",
        dict(db=lambda v: v.da.mean(axis=0)),
        "b serves every row of the batch: its gradient is the sum over the rows.",
    ),
    (
        "db not summed over the batch",
        dict(db=lambda v: v.da),
        "b serves every row of the batch: its gradient is their sum, in the shape of b.",
    ),
    (
        "db with an axis of length 1",
        dict(db=lambda v: v.da.sum(axis=0, keepdims=True)),
        "db has the shape of b, (3H,): one axis only.",
    ),
    (
        "db summed over the units",
        dict(db=lambda v: v.da.sum(axis=1)),
        "b has an entry a column, so the sum runs over the batch.",
    ),
)

GRU_STEP_BACKWARD = backward_exercise(
    name="gru_step_backward",
    points=6,
    reference=gru.gru_step_backward,
    forward=gru.gru_step_forward,
    problem=step_backward_problem,
    returns=gradients(dx="ND", dh_prev="NH", dWx="D3H", dWh="H3H", db="3H"),
    sizes="NDH",
    edges=lambda rng, s: {"for a large dh": problems.large(step_backward_problem(rng, s))},
    builds_on=("gru_step_forward",),
    mistakes=(
        *(
            Mistake(name, step_backward(**changes), says)
            for name, changes, says in BACKWARD_MISTAKES
        ),
        Mistake(
            "dx and dh_prev in the other order",
            step_backward(dx=RULES["dh_prev"], dh_prev=RULES["dx"]),
            "The order is dx, dh_prev, and then the weights' gradients.",
        ),
    ),
)


# the sequence -----------------------------------------------------------------------------------


def sequence_problem(rng, s):
    return problems.gated_sequence(rng, s, 3)


RIGHT_STEP = step()


def sequence(step=RIGHT_STEP, start=lambda h0: h0, carry=True, order=1, finish=lambda h, h0: h):
    """A wrong `gru_forward`, by what is wrong with it."""

    def wrong(x, h0, Wx, Wh, b):
        h, states = start(h0), []
        for t in range(x.shape[1])[::order]:
            new = step(x[:, t], h, Wx, Wh, b)
            states.append(new)
            h = new if carry else h
        return finish(np.stack(states[::order], axis=1), h0), None

    return wrong


def skipping_the_first_input(x, h0, Wx, Wh, b):
    """A wrong `gru_forward`: h0 stands at step 0, and the loop begins at step 1."""
    if x.shape[1] == 1:
        return h0[:, None], None
    later, _ = sequence()(x[:, 1:], h0, Wx, Wh, b)
    return np.concatenate([h0[:, None], later], axis=1), None


GRU_FORWARD = exercise(
    name="gru_forward",
    points=2,
    reference=gru.gru_forward,
    problem=sequence_problem,
    returns=(*values(h="NTH"), CACHE),
    sizes="NTDH",
    omitted=("reset_after",),
    edges=lambda rng, s: far_out(sequence_problem(rng, s), "h0"),
    builds_on=("gru_step_forward",),
    mistakes=(
        Mistake(
            "h0 ignored",
            sequence(start=np.zeros_like),
            "The first step starts from h0, not from zeros. (Where all states lie in one array, "
            "place t - 1 is the last one when t is 0.)",
        ),
        Mistake(
            "state not carried on",
            sequence(carry=False),
            "Every step after the first must start from the state that the step before it made.",
        ),
        Mistake(
            "time reversed",
            sequence(order=-1),
            "The first step reads x[:, 0], the last one x[:, T-1].",
        ),
        Mistake(
            "only the last state",
            sequence(finish=lambda h, h0: h[:, -1]),
            "Return the state after every step, stacked along axis 1.",
        ),
        Mistake(
            "time as the first axis",
            sequence(finish=lambda h, h0: np.swapaxes(h, 0, 1)),
            "The batch is axis 0 and time is axis 1.",
        ),
        Mistake(
            "h0 among the states, the last one missing",
            sequence(finish=lambda h, h0: np.concatenate([h0[:, None], h[:, :-1]], axis=1)),
            "The result holds h_1 to h_T, so the first entry is the state after the first step.",
        ),
        Mistake(
            "h0 among the states",
            sequence(finish=lambda h, h0: np.concatenate([h0[:, None], h], axis=1)),
            "T steps make T states; h0 was there before them.",
        ),
        Mistake(
            "the first input never read",
            skipping_the_first_input,
            "The first entry is the state after the first step, which starts from h0 and reads "
            "x[:, 0].",
        ),
        Mistake(
            "the last step left out",
            sequence(finish=lambda h, h0: np.concatenate([h[:, :-1], 0 * h[:, -1:]], axis=1)),
            "T inputs, T steps: the loop ends one too early.",
        ),
        Mistake(
            "the last state at every step",
            sequence(finish=lambda h, h0: np.repeat(h[:, -1:], h.shape[1], axis=1)),
            "Does the list hold one array T times, into which every step writes? Make a new one at "
            "each step.",
        ),
        Mistake(
            "axes exchanged by reshape",
            sequence(finish=lambda h, h0: np.swapaxes(h, 0, 1).reshape(h.shape)),
            "A reshape keeps the numbers in their order and mixes batch and time. Stack along "
            "axis 1, or transpose.",
        ),
        Mistake(
            "time as the last axis",
            sequence(finish=lambda h, h0: np.swapaxes(h, 1, 2)),
            "The batch is axis 0, time is axis 1, and the units come last.",
        ),
        Mistake(
            "states side by side in one axis",
            sequence(finish=lambda h, h0: h.reshape(len(h), -1)),
            "Time is an axis of its own: stack the states, do not join them.",
        ),
        *(Mistake(name, sequence(wrong), says) for name, wrong, says in STEP_MISTAKES),
    ),
)


def sequence_backward_problem(rng, s):
    return {**sequence_problem(rng, s), "dh": problems.normal(rng, s["N"], s["T"], s["H"])}


def sequence_backward(
    step=gru.gru_step_backward,
    arriving=lambda dh, t, dh_next: dh[:, t] + dh_next,
    visited=slice(None, None, -1),
    add=True,
    back=lambda dh_prev, into, t: dh_prev,
    finish=lambda g, T: g,
    before=lambda states, t: states[t],
):
    """A wrong `gru_backward`, by what is wrong with it.

    Args:
        step: the way back through one step.
        arriving: what arrives at the state after step t.
        visited: which of the steps, and in which order.
        add: whether the weights' gradients are added up.
        back: what goes on to the step before.
        finish: what is made of the five gradients.
        before: the state before step t, given h_0 to h_T.
    """

    def wrong(dh, cache):
        x, states, gates, m, Wx, Wh, bhn, reset_after = cache  # time first
        T, dh_next = len(x), np.zeros_like(dh[:, 0])
        dx, weights = np.zeros_like(x.swapaxes(0, 1)), [0, 0, 0]
        for t in range(T)[visited]:
            into = arriving(dh, t, dh_next)
            inside = *gates[t], m[t], reset_after
            step_cache = x[t], before(states, t), Wx, Wh, bhn, inside
            dx[:, t], dh_prev, *new = step(into, step_cache)
            dh_next = back(dh_prev, into, t)
            weights = [w + n for w, n in zip(weights, new, strict=True)] if add else new
        return finish((dx, dh_next, *weights), T)

    return wrong


def _average_over_time(g, T):
    dx, dh0, *weights = g
    return dx, dh0, *(w / T for w in weights)


GRU_BACKWARD = backward_exercise(
    name="gru_backward",
    points=5,
    reference=gru.gru_backward,
    forward=gru.gru_forward,
    problem=sequence_backward_problem,
    returns=gradients(dx="NTD", dh0="NH", dWx="D3H", dWh="H3H", db="3H"),
    sizes="NTDH",
    edges=lambda rng, s: {"for a large dh": problems.large(sequence_backward_problem(rng, s))},
    builds_on=("gru_step_forward", "gru_step_backward", "gru_forward"),
    mistakes=(
        Mistake(
            "= for += over time",
            sequence_backward(add=False),
            "The weights' gradients are those of the step that was visited last. The same weights "
            "serve every step, so the steps' gradients add up.",
        ),
        Mistake(
            "gradient from the next step not added",
            sequence_backward(arriving=lambda dh, t, dh_next: dh[:, t]),
            "h_t is used twice: by the loss at t (dh[:, t]) and by step t+1, which sends back its "
            "dh_prev. Add the two before going through the step.",
        ),
        Mistake(
            "only the last step's dh",
            sequence_backward(
                arriving=lambda dh, t, dh_next: dh_next + (dh[:, t] if t == dh.shape[1] - 1 else 0)
            ),
            "A gradient arrives from outside at every step.",
        ),
        Mistake(
            "gradients added up from step to step",
            sequence_backward(back=lambda dh_prev, into, t: dh_prev + into),
            "What step t sends back is its dh_prev alone. What arrived at h_t has been used up on "
            "the way through the step: start afresh at each.",
        ),
        Mistake(
            "gradient carried back without the step",
            sequence_backward(back=lambda dh_prev, into, t: into),
            "What goes to step t-1 is the step's dh_prev, not the gradient that came in.",
        ),
        Mistake(
            "steps visited forward in time",
            sequence_backward(visited=slice(None)),
            "What step t+1 sends back must be known before step t is visited: start at the end.",
        ),
        Mistake(
            "dx in the order in which the steps were visited",
            sequence_backward(finish=lambda g, T: (g[0][:, ::-1], *g[1:])),
            "The loop runs from the last step to the first, and dx[:, t] belongs to step t: turn "
            "the list round, or write each step into its place.",
        ),
        Mistake(
            "dx with time as its first axis",
            sequence_backward(finish=lambda g, T: (np.swapaxes(g[0], 0, 1), *g[1:])),
            "dx has the shape of x, (N, T, D): the batch is axis 0 and time is axis 1.",
        ),
        Mistake(
            "the first step left out",
            sequence_backward(visited=slice(None, 0, -1)),
            "The loop ends before t = 0, and step 0 was a step like any other.",
        ),
        Mistake(
            "the last step left out",
            sequence_backward(visited=slice(-2, None, -1)),
            "The loop begins before the end: the last step is t = T-1.",
        ),
        Mistake(
            "mean over time",
            sequence_backward(finish=_average_over_time),
            "The weights' gradients are sums over the steps, not means.",
        ),
        Mistake(
            "dh0 left at zero",
            sequence_backward(finish=lambda g, T: (g[0], np.zeros_like(g[1]), *g[2:])),
            "dh0 is what the first step sends back: its dh_prev.",
        ),
        Mistake(
            "dh0 taken before the first step",
            sequence_backward(back=lambda dh_prev, into, t: dh_prev if t else into),
            "That is what arrives at h_1. From there one step is still to be gone back, to h_0.",
        ),
        Mistake(
            "zeros in place of h0 before the first step",
            sequence_backward(before=lambda states, t: states[t] if t else 0 * states[0]),
            "The state before step 0 is h0; the gradients of that step need it.",
        ),
        Mistake(
            "the last state in place of h0 before the first step",
            sequence_backward(before=lambda states, t: states[t] if t else states[-1]),
            "The state before step 0 is h0. At t = 0 the index t - 1 is -1, which is the last "
            "place.",
        ),
        Mistake(
            "h_t in place of h_{t-1}",
            sequence_backward(before=lambda states, t: states[t + 1]),
            "Each step's gradients need the state that the step began with.",
        ),
        Mistake(
            "h0 before every step",
            sequence_backward(before=lambda states, t: states[0]),
            "Each step's gradients need the state that this step began with; h0 is that of the "
            "first alone.",
        ),
        *(
            Mistake(name, sequence_backward(step_backward(**changes)), says)
            for name, changes, says in BACKWARD_MISTAKES
        ),
    ),
)


# parameters -------------------------------------------------------------------------------------


def count_problem(rng, s, cell="gru"):
    """Sizes at which no two ways of miscounting agree."""
    return {"cell": cell, "D": 25 + s["D"], "H": 45 + s["H"]}


def count(gates=(1, 4, 3), total=lambda k, D, H: k * H * (D + H + 1)):
    """A wrong `count_parameters`: another number of blocks k, or another total of so many."""

    def wrong(cell, D, H):
        return total(dict(zip(("rnn", "lstm", "gru"), gates, strict=True))[cell], D, H)

    return wrong


COUNT_PARAMETERS = exercise(
    name="count_parameters",
    points=2,
    reference=gru.count_parameters,
    problem=count_problem,
    returns=values(parameters=""),
    floats=False,
    strided=False,
    edges=lambda rng, s: {
        "for an RNN": count_problem(rng, s, "rnn"),
        "for an LSTM": count_problem(rng, s, "lstm"),
        "for a GRU of a single unit": {"cell": "gru", "D": 1, "H": 1},
        "for a large LSTM": {"cell": "lstm", "D": 300, "H": 1024},
    },
    mistakes=(
        Mistake(
            "biases left out",
            count(total=lambda k, D, H: k * H * (D + H)),
            "Every gate has a bias for each of its units.",
        ),
        Mistake(
            "one bias for a whole gate",
            count(total=lambda k, D, H: k * (H * (D + H) + 1)),
            "b has H entries a gate, one for each unit.",
        ),
        Mistake(
            "biases of one block only",
            count(total=lambda k, D, H: k * H * (D + H) + H),
            "b is as long as Wx is wide: every block of columns has its own part of it.",
        ),
        Mistake(
            "only Wx multiplied by the number of blocks",
            count(total=lambda k, D, H: k * D * H + H * H + H),
            "Wh and b have as many blocks as Wx. Python multiplies before it adds: look at the "
            "parentheses.",
        ),
        Mistake(
            "D and H exchanged",
            count(total=lambda k, D, H: k * D * (D + H + 1)),
            "D is the number of inputs, H that of the units: Wh is square, with a side of H a "
            "block, and b has H numbers a block.",
        ),
        Mistake(
            "two biases a gate",
            count(total=lambda k, D, H: k * H * (D + H + 2)),
            "PyTorch keeps a bias beside the input's product and another beside the state's. Here "
            "there is one.",
        ),
        Mistake(
            "Wh left out",
            count(total=lambda k, D, H: k * H * (D + 1)),
            "The product with the old state has weights too.",
        ),
        Mistake(
            "Wx left out",
            count(total=lambda k, D, H: k * H * (H + 1)),
            "The product with the input has weights too.",
        ),
        Mistake(
            "Wh counted as a row",
            count(total=lambda k, D, H: k * (H * (D + 1) + H)),
            "Every unit of the old state reaches every unit of the new one: Wh is a square a gate.",
        ),
        Mistake(
            "the same for every cell",
            count(gates=(1, 1, 1)),
            "Each gate, and the candidate, is a product with weights of its own.",
        ),
        Mistake(
            "the GRU's candidate not counted",
            count(gates=(1, 4, 2)),
            "Two gates, and the candidate: how many blocks of columns has Wx?",
        ),
        Mistake(
            "as many blocks in the GRU as in the LSTM",
            count(gates=(1, 4, 4)),
            "One gate of the GRU does the work of two of the LSTM's.",
        ),
        Mistake(
            "the LSTM's candidate not counted",
            count(gates=(1, 3, 3)),
            "Three gates, and what would be written: how many blocks of columns has Wx?",
        ),
    ),
)

EXERCISES = (
    GRU_STEP_FORWARD,
    GRU_STEP_BACKWARD,
    GRU_FORWARD,
    GRU_BACKWARD,
    COUNT_PARAMETERS,
)
