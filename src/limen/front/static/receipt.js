// Checks a receipt (`limen.ledger.receipt`) in the traveller's own browser; works offline once the page is loaded.
import { make } from "./answer.js";
import { fromBase64 } from "./seal.js";

const by = (id) => document.getElementById(id);
const { receipt: words, answer: answers, purposes, domain } = JSON.parse(by("words").textContent);
let text = ""; // of the receipt in hand

// RFC 8785 as far as receipts need it: keys sorted, no blanks.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

async function good(envelope, key) {
  const raw = Uint8Array.from(key.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const made = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
  const signed = new TextEncoder().encode(domain + canonical(envelope.receipt));
  return crypto.subtle.verify({ name: "Ed25519" }, made, fromBase64(envelope.signature), signed);
}

async function check() {
  if (!text) return;
  let envelope;
  try {
    envelope = JSON.parse(text);
    if (typeof envelope.receipt.answer !== "string") throw new Error("none");
  } catch {
    conclude(words.none, false);
    return;
  }
  try {
    const right = await good(envelope, by("key").value.trim());
    conclude(right ? words.good : words.bad, right, envelope.receipt);
  } catch (error) {
    conclude(error.name === "NotSupportedError" ? words.old : words.bad, false);
  }
}

function conclude(verdict, right, receipt) {
  by("verdict").textContent = verdict;
  by("verdict").hidden = false;
  by("verdict").className = right ? "notice good" : "notice bad";
  by("said").hidden = !right;
  if (right) by("said").replaceChildren(facts(receipt));
}

function facts(receipt) {
  const list = make("dl", { className: "facts" });
  for (const [name, title] of Object.entries(words.fields)) {
    list.append(make("dt", {}, title), make("dd", {}, said(name, receipt[name])));
  }
  return list;
}

function said(name, value) {
  if (name === "minute") return new Date(value * 1000).toLocaleString();
  if (name === "answer") return answers[value] ?? value;
  if (name === "purpose") return purposes[value] ?? value;
  if (Array.isArray(value)) return value.join(", ") || words.nothing;
  return value === true ? words.yes : value === false ? words.no : String(value);
}

async function begin() {
  by("file").onchange = async (event) => { text = await event.target.files[0]?.text() ?? ""; check(); };
  by("key").oninput = check;
  const after = location.hash.slice(1).replaceAll("-", "+").replaceAll("_", "/");
  try {
    text = after && new TextDecoder().decode(fromBase64(after));
  } catch {
    conclude(words.none, false);
  }
  const hub = await fetch("/v1/hub").then((response) => response.json()).catch(() => null);
  if (hub?.public_key && !by("key").value) by("key").value = hub.public_key;
  check();
}

begin();
