"""Right answers to notebook 07."""

from answers import Styles

style = Styles()
