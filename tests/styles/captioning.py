"""Right answers to notebook 08."""

from answers import Styles

style = Styles()
