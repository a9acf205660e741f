"""Wrong answers to notebook 07."""

from answers import Slips

slip = Slips()
