"""Huanlian: waste custody as facts signed on the device and recorded on a chain."""
