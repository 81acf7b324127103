"""Finding personal data in bytes that are public for ever: text, numbers, positions, and hashes of guesses."""
