"""The console's pages, without a server around them."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.console.deps import ConsoleDeps
from backend.console.routes import add_error_pages, create_console_router


def client_of(deps: ConsoleDeps) -> TestClient:
    app = FastAPI()
    app.include_router(create_console_router(deps))
    add_error_pages(app, deps)
    return TestClient(app, raise_server_exceptions=False)


def page(client: TestClient, path: str) -> str:
    """Return a page that must be there."""
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.text
