// npm creem 1.13.0 (its verifyWebhookSignature is the judge; it folds case and takes a "sha256=" that is not sent).
// Run: SDK=/where/node_modules/is node tests/data/providers/make/creem.mjs
import { createRequire } from "node:module";
import { bodyMac, hexMac, write } from "./cases.mjs";

const { verifyWebhookSignature } = createRequire(process.env.SDK + "/x.js")("creem/webhooks");

async function judge(secrets, value, body) {
  const headers = value === null ? {} : { "creem-signature": value };
  for (const secret of secrets) {
    try {
      await verifyWebhookSignature(body, headers, secret);
      return true;
    } catch {
      // the next secret
    }
  }
  return false;
}

const BODY = '{"id":"evt_1","eventType":"checkout.completed","created_at":1760000000000,"object":{"id":"ch_1"}}';
const cases = await bodyMac("creem-signature", "invented-secret-a", "invented-secret-b", BODY, judge);
// The key is the whole text of the secret, its prefix too.
const prefixed = "whsec_invented0123456789";
for (const [name, key, ours] of [
  ["good, the secret's prefix belongs to the key", prefixed, true],
  ["secret without its prefix", prefixed.slice(6), false],
]) {
  const value = hexMac(key, BODY);
  cases.push({
    name, secrets: [prefixed], headers: [["creem-signature", value]], query: "", client: null, body: BODY,
    sdk: await judge([prefixed], value, BODY), ours,
  });
}
write("creem", "npm creem 1.13.0", cases);
