"""Pages for people; the same use cases as the API."""
