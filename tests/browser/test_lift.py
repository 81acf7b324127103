"""A crew's morning: a bin is scanned where there is no network, and the world can see it afterwards."""

from __future__ import annotations

from people import PATIENCE, PHONE, Phone, Town, overflow_of, take_picture
from playwright.sync_api import expect
from running_system import giai

from backend.domain.types import Stream

_KEEP_STATES = """
() => {
  window.ledgerStates = [];
  const look = () => {
    const chip = document.querySelector('li[data-kind="lift"] [data-testid="entry-state"]');
    const state = chip?.dataset.ledger;
    if (state && state !== window.ledgerStates.at(-1)) window.ledgerStates.push(state);
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
  look();
}
"""


def test_a_lift_is_scanned_offline_and_reaches_the_chain(town: Town, crew: Phone) -> None:
    label = town.system.bin_of(Stream.FOOD, 0)
    lot = crew.start_lot("food")
    crew.wait_sent()
    crew.keep_app()
    crew.picture("empty-lot", in_english=True)

    town.camera.show_label(label, base_url=town.system.url)
    crew.tap("scan-open")
    assert crew.told("bin-found", "bin") == f"{label.number:010x}"
    crew.picture("bin-found")

    with crew.without_network():
        crew.page.evaluate("window.taps = 0; addEventListener('click', () => { window.taps += 1; }, true)")
        crew.tap("grade-2")
        crew.tap("fill-3")
        crew.picture("judged")
        crew.tap("save-lift")
        crew.seen("lift-saved")
        assert crew.page.evaluate("window.taps") <= 3
        crew.picture("lift-saved")
        expect(crew.find("unsent-count")).to_have_attribute("data-count", "1")

        crew.tap("back")
        expect(crew.find("lot-lifts")).to_have_text("1")
        crew.page.reload()
        expect(crew.find("unsent-count")).to_have_attribute("data-count", "1", timeout=PATIENCE)
        expect(crew.find("lot-lifts")).to_have_text("1")
        expect(crew.entry_state("lift")).to_have_attribute("data-state", "queued")
        crew.picture("offline", in_english=True)

        crew.page.evaluate(_KEEP_STATES)

    crew.wait_sent()
    expect(crew.entry_state("lift")).to_have_attribute("data-ledger", "finalized", timeout=PATIENCE)
    states = crew.page.evaluate("window.ledgerStates")
    order = ["queued", "sent", "recorded", "included", "finalized"]
    assert states[0] == "queued"
    assert states == sorted(states, key=order.index)
    seq = int(crew.page.locator('li[data-kind="lift"]').first.get_attribute("data-seq") or 0)
    entry = town.system.wait_for(f"/api/v1/entries/{crew.device}/{seq}", state="finalized")
    assert entry["kind_name"] == "lift"
    assert entry["outcome"] == "applied"
    expect(crew.entry_state("lift")).to_contain_text(str(entry["block_number"]))
    crew.picture("finalized", in_english=True)
    crew.tap("history-open")
    expect(crew.entry_state("lift")).to_contain_text(str(entry["block_number"]))
    crew.picture("history", in_english=True)
    crew.tap("back")

    resident = town.page(PHONE)
    resident.goto(f"{town.system.url}/8004/{giai(label)}")
    lift = resident.locator(".lift", has=resident.locator(f'a[href="/verify/{crew.device}/{seq}"]'))
    expect(lift).to_contain_text(str(entry["block_number"]))
    expect(lift).to_contain_text("已最终确定")
    assert overflow_of(resident) <= 0
    take_picture(resident, "label-after-lift", "zh", full=True)
    lift.get_by_role("link", name="看这个批次的旅程").click()
    resident.wait_for_url(f"**/lots/{lot}")
    row = resident.locator("tr", has=resident.locator(f'a[href="/verify/{crew.device}/{seq}"]'))
    expect(row).to_contain_text(str(entry["block_number"]))
    take_picture(resident, "lot-after-lift", "zh", full=True)
    resident.context.close()
