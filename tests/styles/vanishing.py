"""Right answers to notebook 04."""

from answers import Styles

style = Styles()
