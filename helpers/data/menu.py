"""The delivery restaurant: three dishes in turn, and the network that knows the rule."""

import numpy as np

MENU = ("jajang", "jjamppong", "bokkeumbap")


def next_dish(dish):
    """What is delivered the day after `dish`.

    Args:
        dish: a name in `MENU`, or its index.

    Returns:
        The next dish, as a name or as an index, like the argument.

    Raises:
        ValueError: not on the menu.
    """
    if isinstance(dish, str):
        if dish not in MENU:
            raise ValueError(f"dish: expected one of {', '.join(MENU)}, got {dish!r}; see MENU")
        return MENU[next_dish(MENU.index(dish))]
    if not 0 <= dish < len(MENU):
        raise ValueError(f"dish: expected an index from 0 to {len(MENU) - 1}, got {dish}; see MENU")
    return (dish + 1) % len(MENU)


def delivery_weights():
    """Weights set by hand that make a vanilla RNN follow the menu rule.

    The state holds today's dish, one unit a dish. Yesterday's order (through Wx) and yesterday's
    state (through Wh) both point one dish on; the input speaks louder, so that an order that was
    seen overrules a memory.

    Returns:
        Wx (3, 3), Wh (3, 3), b (3,), Wy (3, 3), by (3,).
    """
    one_on = np.roll(np.eye(len(MENU)), 1, axis=1)  # row k has its 1 in column k+1
    return 4.0 * one_on, 2.0 * one_on, np.zeros(3), np.eye(3), np.zeros(3)
