"""Heal the pizza shop's failed orders: an alarm wakes it, a sample decides, a report link ends the failure."""
