"""HTTP for programs and phones: one request becomes one use case, and back."""
