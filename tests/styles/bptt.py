"""Right answers to notebook 03."""

from answers import Styles

style = Styles()
