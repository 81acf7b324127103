"""What a browser answers when a passkey is made and when it is used, and all that is not such an answer."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from made_passkey import PRESENT, VERIFIED, MadePasskeyInSoftware

from backend.domain.people_errors import BadPasskey
from backend.domain.sign_in_passkey import (
    MadePasskey,
    PasskeyAnswer,
    read_made_passkey,
    relying_party_of,
    require_passkey_answer,
)

ORIGIN = "https://bins.example.org"
CHALLENGE = bytes(range(32))


@pytest.fixture
def passkey() -> MadePasskeyInSoftware:
    return MadePasskeyInSoftware(ORIGIN)


def read(passkey: MadePasskeyInSoftware, client_data: bytes, data: bytes) -> MadePasskey:
    return read_made_passkey(challenge=CHALLENGE, origin=ORIGIN, client_data=client_data, authenticator_data=data)


def judge(passkey: MadePasskeyInSoftware, answer: tuple[bytes, bytes, bytes], *, count: int = 0) -> int:
    x, y = passkey.key.public
    return require_passkey_answer(
        PasskeyAnswer(*answer), challenge=CHALLENGE, origin=ORIGIN, x=x, y=y, count=count
    )


class TestANewPasskey:
    def test_is_read(self, passkey: MadePasskeyInSoftware) -> None:
        made = read(passkey, *passkey.make(CHALLENGE))
        assert (made.x, made.y) == passkey.key.public
        assert made.credential_id == passkey.credential_id

    def test_is_read_with_what_browsers_add(self, passkey: MadePasskeyInSoftware) -> None:
        client_data = passkey.client_data("create", CHALLENGE, other_keys_can_be_added_here="do not compare")
        _, data = passkey.make(CHALLENGE)
        assert read(passkey, client_data, data + b"\xa0").x == passkey.key.public[0]

    @pytest.mark.parametrize(
        ("changed", "why"),
        [
            ({"type": "webauthn.get"}, "no webauthn.create"),
            ({"challenge": "AAAA"}, "another question"),
            ({"origin": "https://evil.example"}, "another page"),
            ({"origin": "https://bins.example.org.evil.example"}, "another page"),
            ({"crossOrigin": True}, "inside another"),
            ({"topOrigin": "https://evil.example"}, "inside another"),
        ],
    )
    def test_is_of_this_question_and_page(
        self, passkey: MadePasskeyInSoftware, changed: dict[str, Any], why: str
    ) -> None:
        _, data = passkey.make(CHALLENGE)
        with pytest.raises(BadPasskey, match=why):
            read(passkey, passkey.client_data("create", CHALLENGE, **changed), data)

    @pytest.mark.parametrize("client_data", [b"", b"[]", b"{", b'{"type":1,"type":2}', b" " * 5000])
    def test_comes_with_client_data(self, passkey: MadePasskeyInSoftware, client_data: bytes) -> None:
        with pytest.raises(BadPasskey, match="client data"):
            read(passkey, client_data, passkey.make(CHALLENGE)[1])

    @pytest.mark.parametrize("flags", [0, PRESENT, VERIFIED])
    def test_is_made_by_a_person_who_was_verified(self, passkey: MadePasskeyInSoftware, flags: int) -> None:
        passkey.flags = flags
        with pytest.raises(BadPasskey, match="nobody was verified"):
            read(passkey, *passkey.make(CHALLENGE))

    def test_brings_its_key(self, passkey: MadePasskeyInSoftware) -> None:
        with pytest.raises(BadPasskey, match="no key"):
            read(passkey, passkey.client_data("create", CHALLENGE), passkey.data())

    def test_has_a_key_of_one_kind(self, passkey: MadePasskeyInSoftware) -> None:
        good = passkey.public_key()
        off_curve = good[:-1] + bytes([good[-1] ^ 1])
        for key in (b"", good[:-1], off_curve, good.replace(b"\x03\x26", b"\x03\x27", 1), bytes(len(good))):
            with pytest.raises(BadPasskey, match="ES256"):
                read(passkey, *passkey.make(CHALLENGE, key=key))

    def test_has_an_id(self, passkey: MadePasskeyInSoftware) -> None:
        for credential_id in (b"", bytes(1024)):
            passkey.credential_id = credential_id
            with pytest.raises(BadPasskey, match="ES256"):
                read(passkey, *passkey.make(CHALLENGE))

    def test_cut_short_anywhere_is_none(self, passkey: MadePasskeyInSoftware) -> None:
        client_data, data = passkey.make(CHALLENGE)
        for length in range(len(data)):
            with pytest.raises(BadPasskey):
                read(passkey, client_data, data[:length])


class TestAnAnswer:
    def test_holds(self, passkey: MadePasskeyInSoftware) -> None:
        assert judge(passkey, passkey.answer(CHALLENGE)) == 0

    def test_of_another_key_does_not(self, passkey: MadePasskeyInSoftware) -> None:
        with pytest.raises(BadPasskey, match="not the key's"):
            judge(passkey, MadePasskeyInSoftware(ORIGIN).answer(CHALLENGE))

    def test_to_another_question_or_page_does_not(self, passkey: MadePasskeyInSoftware) -> None:
        for client_data in (
            passkey.client_data("get", secrets.token_bytes(32)),
            passkey.client_data("create", CHALLENGE),
            passkey.client_data("get", CHALLENGE, origin="http://bins.example.org"),
            passkey.client_data("get", CHALLENGE, crossOrigin=True),
        ):
            with pytest.raises(BadPasskey):
                judge(passkey, passkey.answer(CHALLENGE, client_data=client_data))

    def test_for_another_site_does_not(self, passkey: MadePasskeyInSoftware) -> None:
        with pytest.raises(BadPasskey, match="another site"):
            judge(passkey, passkey.answer(CHALLENGE, data=passkey.data(host="evil.example")))

    def test_without_a_verified_person_does_not(self, passkey: MadePasskeyInSoftware) -> None:
        passkey.flags = PRESENT
        with pytest.raises(BadPasskey, match="verified"):
            judge(passkey, passkey.answer(CHALLENGE))

    def test_with_any_bit_changed_does_not(self, passkey: MadePasskeyInSoftware) -> None:
        said, data, signature = passkey.answer(CHALLENGE)
        for at in range(len(data)):
            changed = data[:at] + bytes([data[at] ^ 0x80]) + data[at + 1 :]
            with pytest.raises(BadPasskey):
                judge(passkey, (said, changed, signature))

    @pytest.mark.parametrize("signature", [b"", b"\x30", b"0" * 70, bytes(72)])
    def test_without_a_signature_does_not(self, passkey: MadePasskeyInSoftware, signature: bytes) -> None:
        said, data, _ = passkey.answer(CHALLENGE)
        with pytest.raises(BadPasskey):
            judge(passkey, (said, data, signature))

    def test_counts_on(self, passkey: MadePasskeyInSoftware) -> None:
        passkey.count = 7
        assert judge(passkey, passkey.answer(CHALLENGE), count=6) == 7
        for known in (7, 8):
            with pytest.raises(BadPasskey, match="copy"):
                judge(passkey, passkey.answer(CHALLENGE), count=known)
        passkey.count = 0
        with pytest.raises(BadPasskey, match="copy"):
            judge(passkey, passkey.answer(CHALLENGE), count=1)


def test_a_relying_party_is_the_host() -> None:
    assert relying_party_of("https://bins.example.org:8443") == "bins.example.org"
