// npm mollie-api-typescript 1.12.28 (its SignatureValidator is the judge; a missing header is `false` to it, not an error).
// Run: SDK=/where/node_modules/is node tests/data/providers/make/mollie.mjs
import { createRequire } from "node:module";
import { bodyMac, write } from "./cases.mjs";

const { SignatureValidator } = createRequire(process.env.SDK + "/x.js")("mollie-api-typescript");

async function judge(secrets, value, body) {
  try {
    return await new SignatureValidator(secrets).validatePayload(body, value);
  } catch {
    return false;
  }
}

const BODY = '{"resource":"event","id":"event_1","type":"payment.paid","entityId":"tr_1","_embedded":{"entity":{"id":"tr_1"}}}';
const cases = await bodyMac("x-mollie-signature", "invented-secret-a", "invented-secret-b", BODY, judge, "sha256=");
write("mollie", "npm mollie-api-typescript 1.12.28", cases);
