"""The books and the outbox; the only importer of SQLModel."""
