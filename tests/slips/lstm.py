"""Wrong answers to notebook 06."""

from answers import Slips

slip = Slips()
