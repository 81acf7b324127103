import { actPanel } from "./act_panel.ts";
import { passkeyPanel } from "./passkey_panel.ts";

const act = document.getElementById("act-place");
const passkey = document.getElementById("passkey-place");
if (act !== null) actPanel(act);
if (passkey !== null) passkeyPanel(passkey);
