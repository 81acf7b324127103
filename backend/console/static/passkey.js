// Makes a passkey on an invitation, and signs in with one. The private key never leaves its authenticator.
"use strict";
(function () {
  const ES256 = -7;
  const box = document.querySelector("[data-sign-in]");
  if (!box) return;
  const say = box.dataset;
  const wrong = document.getElementById("wrong");
  const passkeyButton = document.getElementById("passkey");
  const providerButton = document.getElementById("provider");

  class Refused extends Error {}

  function toText(buffer) {
    const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  function toBytes(text) {
    const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  }

  async function ask(address, content) {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: say.token, ...content }),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Refused(said.message);
    return said;
  }

  function show(text) {
    wrong.querySelector("span").textContent = text;
    wrong.hidden = false;
  }

  function explain(error) {
    if (error instanceof Refused) show(error.message);
    else if (error instanceof DOMException) show(say.cancelled);
    else show(say.unreachable);
  }

  async function trying(button, work) {
    wrong.hidden = true;
    button.disabled = true;
    try {
      await work();
    } catch (error) {
      button.disabled = false;
      explain(error);
    }
  }

  async function usePasskey() {
    const question = await ask("/sign-in/question", {});
    const { rawId, response } = await navigator.credentials.get({
      publicKey: {
        challenge: toBytes(question.challenge),
        rpId: question.relying_party,
        userVerification: "required",
      },
    });
    const said = await ask("/sign-in/passkey", {
      challenge: question.challenge,
      credential_id: toText(rawId),
      client_data: toText(response.clientDataJSON),
      authenticator_data: toText(response.authenticatorData),
      signature: toText(response.signature),
      next: say.next,
    });
    location.assign(said.next);
  }

  // --- an invitation: its secret is behind the address's #, which is sent to no server ---

  let secret = "";

  async function makePasskey() {
    const question = await ask("/invitation/question", { secret });
    const { response } = await navigator.credentials.create({
      publicKey: {
        challenge: toBytes(question.challenge),
        rp: { id: question.relying_party, name: say.system },
        user: { id: toBytes(question.person), name: question.name, displayName: question.name },
        pubKeyCredParams: [{ type: "public-key", alg: ES256 }],
        authenticatorSelection: {
          residentKey: "required",
          requireResidentKey: true,
          userVerification: "required",
        },
        attestation: "none",
      },
    });
    const said = await ask("/invitation/passkey", {
      challenge: question.challenge,
      client_data: toText(response.clientDataJSON),
      authenticator_data: toText(response.getAuthenticatorData()),
    });
    location.replace(said.next);
  }

  async function bindProvider() {
    const said = await ask("/invitation/identity", { secret });
    location.assign(said.address);
  }

  async function introduce() {
    secret = location.hash.slice(1);
    if (!secret) throw new Refused(say.missing);
    // Neither the history nor a glance at the address shows it from here on.
    history.replaceState(null, "", location.pathname + location.search);
    document.querySelector("a.language").hash = secret;
    const invited = await ask("/invitation/question", { secret });
    for (const name of ["name", "role", "organisation"])
      document.getElementById("invited-" + name).textContent = invited[name];
    document.getElementById("invited").hidden = false;
    if (providerButton) providerButton.disabled = false;
    open();
  }

  function open() {
    if (window.PublicKeyCredential) passkeyButton.disabled = false;
    else show(say.unsupported);
  }

  if (say.signIn === "use") {
    passkeyButton.addEventListener("click", () => trying(passkeyButton, usePasskey));
    open();
  } else {
    passkeyButton.addEventListener("click", () => trying(passkeyButton, makePasskey));
    if (providerButton) providerButton.addEventListener("click", () => trying(providerButton, bindProvider));
    introduce().catch(explain);
  }
})();
