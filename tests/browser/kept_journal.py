"""What a phone keeps, as a file: frozen from a real run, and put into a browser that has nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

FILE = Path(__file__).parents[1] / "scanner_app" / "store" / "journal_v2.json"
"""A crew's shift as version 2 of the format kept it. Never written again: a later format gets its own file."""

_DUMP = """
() => new Promise((resolve) => {
  const hex = (byte) => byte.toString(16).padStart(2, "0");
  const plain = (value) => {
    if (value instanceof Uint8Array) return {bytes: Array.from(value, hex).join("")};
    if (value instanceof CryptoKey) return {secret: value.type};
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
    return value;
  };
  const opening = indexedDB.open("huanlian");
  opening.onsuccess = async () => {
    const db = opening.result;
    const stores = {};
    for (const name of db.objectStoreNames) {
      const store = db.transaction(name).objectStore(name);
      const all = (request) => new Promise((done) => { request.onsuccess = () => done(request.result); });
      const [keys, values] = [await all(store.getAllKeys()), await all(store.getAll())];
      stores[name] = keys.map((key, at) => [key, plain(values[at])]);
    }
    const version = db.version;
    db.close();
    resolve({version, stores});
  };
})
"""
_PUT = """
async (kept) => {
  const curve = {name: "ECDSA", namedCurve: "P-256"};
  const {privateKey} = await crypto.subtle.generateKey(curve, false, ["sign", "verify"]);
  const whole = (value) => {
    if (Array.isArray(value)) return value.map(whole);
    if (typeof value !== "object" || value === null) return value;
    if ("bytes" in value && Object.keys(value).length === 1)
      return Uint8Array.from(value.bytes.match(/../g) ?? [], (hex) => parseInt(hex, 16));
    if ("secret" in value) return privateKey;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, whole(each)]));
  };
  await new Promise((resolve, reject) => {
    const opening = indexedDB.open("huanlian", kept.version);
    opening.onupgradeneeded = () => {
      const db = opening.result;
      db.createObjectStore("singles");
      db.createObjectStore("entries", {keyPath: "seq"}).createIndex("by_state", "state.is");
      for (const [name, keyPath] of [["seals", "seq"], ["receipts", "id"], ["bins", "serial_digest"],
                                     ["witnesses", "id"], ["photos", "seq"], ["answers", "id"]])
        db.createObjectStore(name, {keyPath});
    };
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const db = opening.result;
      const change = db.transaction(Object.keys(kept.stores), "readwrite");
      for (const [name, rows] of Object.entries(kept.stores))
        for (const [key, value] of rows)
          change.objectStore(name).put(whole(value), ...(name === "singles" ? [key] : []));
      change.oncomplete = () => { db.close(); resolve(); };
    };
  });
}
"""


def dump(page: Page) -> dict[str, Any]:
    """Everything that this phone keeps; of its key, that it has one."""
    kept: dict[str, Any] = page.evaluate(_DUMP)
    return kept


def put(page: Page) -> None:
    """Lay the frozen journal into this page's browser, with a key made here."""
    page.evaluate(_PUT, json.loads(FILE.read_text(encoding="utf-8")))
