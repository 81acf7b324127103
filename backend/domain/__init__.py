"""Waste law and arithmetic as pure functions: no clock, network, database or framework."""
