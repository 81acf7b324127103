/** The check that the phone does with WebCrypto, here without waiting. */
export { checkSeal } from "../../scanner_app/src/verify/check_seal.ts";
