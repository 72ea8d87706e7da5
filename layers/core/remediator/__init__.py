"""Heal the pizza shop's failed orders: an alarm triggers a check, samples decide, a report link ends the failure."""
