"""A crew's phone gets its next number and key by itself, and the shift that is under way hears nothing of it."""

from __future__ import annotations

import json
import re
import time

from people import PATIENCE, Phone, Registrar, Town
from playwright.sync_api import Locator, expect

from backend.domain.layout import Kind
from backend.domain.types import Role, Stream

CARRIER = 2
DAY = 86_400


def ending_phone(town: Town, name: str, *, days: int) -> Phone:
    """A crew's phone whose certificate ends in a few days."""
    phone = Phone(town, name)
    with town.system.invitation(CARRIER, Role.CREW) as (invitation, approve):
        phone.page.goto("about:blank")
        phone.page.goto(town.system.url + invitation.path)
        assert phone.told("enrol-check", "check") == invitation.wait_for_key()
        device = approve(not_after=int(time.time()) + days * DAY)
    phone.device = phone.told("enrol-done", "device")
    assert phone.device == f"{device:016x}"
    phone.tap("enrol-begin")
    return phone


def certificate(phone: Phone) -> Locator:
    """Whose phone it is now and how its renewal stands, on the screens before a shift."""
    return phone.find("key-valid")


def asked(phone: Phone) -> None:
    expect(certificate(phone)).to_have_attribute("data-renewal", "asked", timeout=PATIENCE)


def is_renewed(phone: Phone) -> str:
    """Return the phone's next number, once it goes by it."""
    old = re.compile(rf"^(?!{phone.device}$)")
    expect(certificate(phone)).to_have_attribute("data-device", old, timeout=PATIENCE)
    return phone.told("key-valid", "device")


def test_a_phone_is_renewed_by_itself_but_not_in_the_middle_of_a_shift(
    town: Town, carrier_desk: Registrar
) -> None:
    crew = ending_phone(town, "renewing", days=7)
    asked(crew)
    crew.picture("asked", in_english=True, shows="readiness")

    crew.start_lot("residual")
    crew.tap("scan-open")
    crew.type_bin(town.system.bin_of(Stream.RESIDUAL, 40))
    crew.tap("decline-open")
    crew.tap("decline-overfull")
    crew.tap("decline-save")
    crew.seen("decline-saved")
    crew.tap("back")
    crew.wait_sent()

    row = carrier_desk.find(f"renewal-{crew.device}")
    expect(row).to_have_attribute("data-is", "renewable", timeout=PATIENCE)
    carrier_desk.picture("renewals", in_english=True, shows=f"renewal-{crew.device}")
    carrier_desk.find("renew-auto").check()
    expect(row).to_have_count(0, timeout=PATIENCE)
    carrier_desk.page.reload()
    expect(carrier_desk.find("renew-auto")).to_be_checked(timeout=PATIENCE)

    # The new certificate is there, and the shift goes on under the old number.
    crew.tap("shift-open")
    expect(certificate(crew)).to_have_attribute("data-renewal", "ready", timeout=PATIENCE)
    crew.page.reload()
    expect(certificate(crew)).to_have_attribute("data-renewal", "ready", timeout=PATIENCE)
    expect(certificate(crew)).to_have_attribute("data-device", crew.device)
    crew.picture("ready-in-shift", in_english=True, shows="readiness")
    crew.tap("shift-end")
    crew.tap("ask-yes")
    new = is_renewed(crew)
    crew.picture("renewed", in_english=True, shows="readiness")

    ended = town.system.get(f"/api/v1/devices/{crew.device}")
    assert time.time() + 2 * DAY < ended["not_after"] < time.time() + 4 * DAY
    assert (ended["accepted"]["seq"], ended["revoked"]) == (3, False)
    following = town.system.get(f"/api/v1/devices/{new}")
    assert following["not_after"] > time.time() + 30 * DAY
    assert following["accepted"]["seq"] == 0

    # The old journal is followed to its last block, and can be read and exported.
    crew.page.evaluate("location.hash = '#/history'")
    crew.tap(f"earlier-{crew.device}")
    expect(crew.find("earlier").locator("li")).to_have_count(3)
    chips = crew.find("earlier").get_by_test_id("entry-state")
    expect(chips.first).to_have_attribute("data-state", "accepted")
    crew.picture("earlier", in_english=True, shows="earlier")
    with crew.page.expect_download() as saving:
        crew.tap("earlier-rescue")
    content = json.loads(saving.value.path().read_text(encoding="utf-8"))
    assert content["device"] == crew.device
    assert [entry["kind"] for entry in content["entries"]] == ["load", "decline", "shift_end"]
    assert (len(content["seals"]), content["uploads"]) == (3, [])
    town.system.wait_for(f"/api/v1/entries/{crew.device}/3", state="finalized", outcome="applied")

    old, crew.device = crew.device, new
    lot = crew.start_lot("food")
    assert lot.startswith(new)
    crew.tap("scan-open")
    crew.type_bin(town.system.bin_of(Stream.FOOD, 40))
    crew.tap("grade-1")
    crew.tap("fill-2")
    crew.tap("save-lift")
    seq = int(crew.told("lift-saved", "seq"))
    crew.wait_sent()
    lift = town.system.wait_for(f"/api/v1/entries/{new}/{seq}", state="finalized", outcome="applied")
    assert lift["kind_name"] == "lift"
    # Whoever is shown the lift sees what it was enrolled by: the entry that ended the number before it.
    bundle = town.system.get(f"/api/v1/entries/{new}/{seq}/bundle")
    assert bundle["certificates"][0]["words"].startswith(f"{Kind.ROTATE:02x}")
    assert town.system.get(f"/api/v1/devices/{old}")["accepted"]["seq"] == 3

    carrier_desk.find("renew-auto").uncheck()
    crew.context.close()


def test_a_registrar_renews_two_phones_at_one_tap(town: Town, carrier_desk: Registrar) -> None:
    crews = [ending_phone(town, f"renewing-{which}", days=days) for which, days in (("one", 9), ("two", 2))]
    for crew in crews:
        asked(crew)
    crews[1].picture("asked-late", in_english=True, shows="readiness")
    for crew in crews:
        row = carrier_desk.find(f"renewal-{crew.device}")
        expect(row).to_have_attribute("data-is", "renewable", timeout=PATIENCE)
    expect(carrier_desk.find("renew-auto")).not_to_be_checked()
    expect(carrier_desk.find("renew-all")).to_contain_text("2")
    carrier_desk.picture("renew-two")
    carrier_desk.tap("renew-all")
    new = [is_renewed(crew) for crew in crews]
    assert len(set(new)) == 2
    for crew, device in zip(crews, new, strict=True):
        expect(carrier_desk.find(f"renewal-{crew.device}")).to_have_count(0, timeout=PATIENCE)
        assert town.system.get(f"/api/v1/devices/{device}")["role"] == Role.CREW
        expect(carrier_desk.find(f"registrar-device-{device}")).to_be_visible()

    lost, kept = crews
    revoke_both(carrier_desk, town, lost, new[0])
    expect(carrier_desk.find(f"registrar-device-{new[1]}")).to_have_attribute("data-revoked", "false")
    for crew in (lost, kept):
        crew.context.close()


def revoke_both(desk: Registrar, town: Town, phone: Phone, new: str) -> None:
    """A phone that is lost may be any of its numbers."""
    desk.tap(f"registrar-revoke-{phone.device}")
    desk.tap("ask-yes")
    for device in (phone.device, new):
        town.system.wait_for(f"/api/v1/devices/{device}", revoked=True)
    desk.picture("renewed-and-revoked")


def test_a_revoked_phones_request_is_shown_with_the_reason(town: Town, carrier_desk: Registrar) -> None:
    crew = ending_phone(town, "renewing-revoked", days=7)
    asked(crew)
    row = carrier_desk.find(f"renewal-{crew.device}")
    expect(row).to_have_attribute("data-is", "renewable", timeout=PATIENCE)
    crew.context.close()
    # The directory names the device once the ledger has it.
    carrier_desk.page.reload()
    carrier_desk.tap(f"registrar-revoke-{crew.device}")
    carrier_desk.tap("ask-yes")
    expect(row).to_have_attribute("data-why", "revoked", timeout=PATIENCE)
    expect(carrier_desk.find("renew-all")).to_have_count(0)
    carrier_desk.picture("renewal-refused", in_english=True, shows=f"renewal-{crew.device}")
