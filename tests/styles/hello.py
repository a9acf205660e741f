"""Right answers to notebook 02."""

from answers import Styles

style = Styles()
