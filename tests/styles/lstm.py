"""Right answers to notebook 06."""

from answers import Styles

style = Styles()
