// What the makers in JavaScript share; the same list of cases as cases.py. Run by hand, never by a build.
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";

export const NOW = 1760000000;

export const hexMac = (secret, body) => createHmac("sha256", secret).update(body, "utf8").digest("hex");

export function write(name, madeBy, cases, tolerance = 300, publicUrl = null) {
  const file = { made_by: madeBy, now_s: NOW, tolerance_s: tolerance, public_url: publicUrl, cases };
  writeFileSync(new URL(`../${name}.json`, import.meta.url), JSON.stringify(file, null, 2) + "\n");
}

// `judge(secrets, value, body)` is the official verifier's verdict; value is null where the header is missing.
export async function bodyMac(header, secret, other, body, judge, prefix = "") {
  const good = prefix + hexMac(secret, body);
  const wide = body.replace("}", ',"note":"Grüße, 日本"}');
  const cases = [];
  async function add(name, secrets, values, text, ours) {
    const sdk = values.length < 2 ? await judge(secrets, values[0] ?? null, text) : null;
    const headers = values.map((v) => [header, v]);
    cases.push({ name, secrets, headers, query: "", client: null, body: text, sdk, ours });
  }
  await add("good", [secret], [good], body, true);
  await add("good by the second of two secrets", [other, secret], [good], body, true);
  await add("good, text beyond ASCII", [secret], [prefix + hexMac(secret, wide)], wide, true);
  await add("good, empty body", [secret], [prefix + hexMac(secret, "")], "", true);
  await add("no header", [secret], [], body, false);
  await add("empty header", [secret], [""], body, false);
  await add("two header lines", [secret], [good, good], body, false);
  await add("wrong secret", [other], [good], body, false);
  await add("other body", [secret], [good], body.replace("1", "2"), false);
  await add("a line end more", [secret], [good], body + "\n", false);
  await add("upper-case hex", [secret], [prefix + hexMac(secret, body).toUpperCase()], body, false);
  await add("cut short", [secret], [good.slice(0, -2)], body, false);
  await add("two digits more", [secret], [good + "00"], body, false);
  await add("not hex", [secret], [prefix + "g".repeat(64)], body, false);
  if (prefix) await add("without its prefix", [secret], [good.slice(prefix.length)], body, false);
  else await add("with a foreign prefix", [secret], ["sha256=" + good], body, false);
  return cases;
}
