"""Wrong answers to notebook 03."""

from answers import Slips

slip = Slips()
