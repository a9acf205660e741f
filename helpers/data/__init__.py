"""Data that is made or already on the machine: nothing is downloaded."""

from helpers.data.digits import load_digits
from helpers.data.lags import adding_problem, recall_problem
from helpers.data.menu import MENU, delivery_weights, next_dish
from helpers.data.scenes import Scenes
from helpers.data.tasks import SHAPES, STEPS, TASKS, task_shapes
from helpers.data.text import standard_library_text

__all__ = [
    "MENU",
    "SHAPES",
    "STEPS",
    "TASKS",
    "Scenes",
    "adding_problem",
    "delivery_weights",
    "load_digits",
    "next_dish",
    "recall_problem",
    "standard_library_text",
    "task_shapes",
]
