"""Wrong answers to notebook 04."""

from answers import Slips

slip = Slips()
