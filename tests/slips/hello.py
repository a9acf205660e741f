"""Wrong answers to notebook 02."""

from answers import Slips

slip = Slips()
