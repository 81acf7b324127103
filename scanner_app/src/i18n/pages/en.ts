/** The texts of whole pages: what is recorded, the route, the rescue, the crew's code. */
import type { pagesZhHans } from "./zh-Hans.ts";

export const pagesEn: Readonly<Record<keyof typeof pagesZhHans, string>> = {
  privacyOpen: "What this app records",
  privacyLead: "What is written down, where it goes, and what is never touched.",
  privacyChain: "In entries, public on the chain",
  privacyChainWhat:
    "The numbers of device and bin, stream, grade, mass and time; the organisations, lots and weighings of handoffs. No name, no phone number, no number plate.",
  privacyServer: "To the server only, not on the chain",
  privacyServerWhat:
    "Evidence: what was doubtful, a mass that was typed, a scale's own lines, a paper's number, the crew's code. The chain holds a salted digest; evidence can be erased.",
  privacyPhone: "On this device only",
  privacyPhoneWhat:
    "Its key, photos, and its copy of the directory. Nobody can read the key out. Photos are not sent; only a rescue file that you save carries them.",
  privacyNever: "Never recorded",
  privacyNeverWhat:
    "Where you are, your contacts, a phone number, the device's identifiers. What the camera sees is neither kept nor sent unless you seal it.",
  privacyWhere:
    "It connects to {origin} only, and to a scale on this machine where there is one. Before old entries are deleted here, it asks the chain nodes that the operator names for their block, by its number alone. No statistics, no advertising.",

  routeOpen: "Bins still to lift",
  routeLeft: "{left} of {total} bins left",
  routeAllDone: "All bins of this stream are done",
  routePointLeft: "{n} left",
  routePointDone: "done",
  routeNone: "The directory has no bins of this stream.",
  routeHelp:
    "From this device's directory ({date}) and this shift's journal; what other trucks lifted is not in it.",
  routeUnsealed: "No registrar has sealed {n} of them: take those as a hint.",

  streetsOpen: "Choose streets",
  streetsTitle: "The streets of this shift",
  streetsHelp:
    "Only the streets you choose are downloaded; with none chosen, all bins of your organisation are.",
  streetsTooMany:
    "Your organisation has {n} bins, and a phone carries {max} at most. Choose the streets of this shift.",
  streetsNone: "The directory has no streets of your organisation.",
  streetBins: "{n} bins",
  streetsChosen: "{n} bins in all",
  streetsSave: "Download",
  streetsOffline:
    "No network. Your choice is kept and fetched when online; until then the old directory is used.",

  directoryChecked: "Directory of {at}, checked against {n} seals",
  directoryUnchecked: "Directory of {at}, seals not checked yet",
  directorySeals: "Seals checked",
  directorySealsNone: "Not checked yet",
  directoryRefused:
    "The directory fetched at {at} does not hold ({why}). It was not taken; the one before is in use. Tell your registrar.",
  refusedForm: "not in its form",
  refusedNetwork: "of another chain",
  refusedRoot: "another root registrar; taken after 72 hours",
  refusedLink: "a registrar's seal is missing",
  refusedRegistrar: "sealed by no registrar of that organisation",
  refusedKey: "another key than the registrar's",
  refusedSeal: "a seal does not verify",
  refusedEntry: "not what was sealed",
  refusedRevoked: "a device or registrar is revoked",
  refusedExpired: "a certificate has ended",
  refusedBins: "bins are not those sealed",

  rescueCodes: "Export as QR codes",
  rescueCodesHelp:
    "Have another enrolled device open “Hand in for another” and hold it here until it has them all. The codes carry entries and seals; evidence and photos are in the rescue file only.",
  rescueCodesNone: "Nothing waits to be sent, so there is nothing to export.",
  rescueCodeOf: "Code {n} of {total}",
  rescueHold: "Hold still",
  rescueRun: "Go on",
  rescueNext: "Next code",
  rescueRead: "Hand in for another",
  rescueReadTitle: "Hand in a journal",
  rescueReadHint: "Aim at the rescue codes on the other device",
  rescueGot: "{n} of {total} codes read",
  rescueFileOpen: "Choose a rescue file",
  rescueHandedIn: "{n} entries of device {device} handed in",
  rescueHandedInHelp:
    "The server gave a receipt. When that device is online again it finds this out; nothing is doubled.",
  rescueRefused: "The server did not take it: {why}",
  rescueUnreachable: "No network. Everything has been read; try again when connected.",
  rescueBroken: "What was read is incomplete or was changed. Please scan from the start.",
  rescueNotFile: "This is no rescue file, or nothing in it waits to be sent.",
  rescueAgain: "Hand in for one more",

  signOn: "Crew code",
  signOnTitle: "A shared phone: who is using it?",
  signOnHelp:
    "Type the code your organisation gave the crew; no name, phone number or number plate. It goes to the server with the evidence, not on the chain, and is cleared at the end of the shift.",
  signOnWrong: "A code is 2 to 8 letters or digits, with fewer than 7 digits in a row",
  signOnSave: "Begin this shift",
  signOnNow: "Crew {code}",
  signOnDrop: "Clear the code",
};
