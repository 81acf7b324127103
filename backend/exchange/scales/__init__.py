"""Weighing indicators: what they say on the wire, and the gateway that seals it."""
