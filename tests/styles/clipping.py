"""Right answers to notebook 05."""

from answers import Styles

style = Styles()
