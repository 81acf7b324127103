"""Which nodes a phone is told to ask besides the server."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from backend.settings import Settings


class TestPhoneNodes:
    def test_are_told_one_by_one(self) -> None:
        settings = Settings(phone_nodes="https://node.example/rpc,http://10.0.0.7:8545")
        assert settings.phone_node_urls == ("https://node.example/rpc", "http://10.0.0.7:8545")

    def test_are_none_where_none_is_named(self) -> None:
        assert Settings().phone_node_urls == ()

    @pytest.mark.parametrize(
        "text",
        ["node.example", "https://node.example;script-src *", "https://a.example https://b.example", "https://a,"],
    )
    def test_are_addresses_and_cannot_loosen_what_the_app_may_do(self, text: str) -> None:
        with pytest.raises(ValidationError):
            Settings(phone_nodes=text)
