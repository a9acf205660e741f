"""Wrong answers to notebook 08."""

from answers import Slips

slip = Slips()
