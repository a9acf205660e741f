"""Wrong answers to notebook 05."""

from answers import Slips

slip = Slips()
