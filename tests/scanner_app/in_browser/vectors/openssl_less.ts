export { checkSeal as checkWithOpenSsl } from "../../check_seal.ts";
