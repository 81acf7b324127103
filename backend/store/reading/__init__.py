"""Queries for pages and programs."""

from backend.store.reading.reader import Reader

__all__ = ["Reader"]
