"""Figures and long proofs; nothing here is asserted in a test."""
