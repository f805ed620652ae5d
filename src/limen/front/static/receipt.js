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

function imported(key) {
  const raw = Uint8Array.from(key.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
}

async function good(envelope, key) {
  const made = await imported(key);
  const signed = new TextEncoder().encode(domain + canonical(envelope.receipt));
  return crypto.subtle.verify({ name: "Ed25519" }, made, fromBase64(envelope.signature), signed);
}

async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(parts.flatMap((part) => [...part]))));
}

const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

// RFC 9162, 2.1.3.2: whether an entry is in the tree of this size and root.
async function included(entry, index, size, proof, root) {
  let [first, last, value] = [index, size - 1, await sha256([0], entry)];
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return false;
  for (const step of proof.map(fromBase64)) {
    if (last === 0) return false;
    if (first % 2 === 1 || first === last) {
      value = await sha256([1], step, value);
      while (first % 2 === 0 && first !== 0) [first, last] = [Math.floor(first / 2), Math.floor(last / 2)];
    } else {
      value = await sha256([1], value, step);
    }
    [first, last] = [Math.floor(first / 2), Math.floor(last / 2)];
  }
  return last === 0 && same(value, root);
}

// A signed checkpoint (C2SP tlog-checkpoint): origin, size, root; null unless the hub signed it.
async function head(noteText, key) {
  const at = noteText.lastIndexOf("\n\n");
  const [origin, size, root, end] = noteText.slice(0, at + 1).split("\n");
  const line = noteText.slice(at + 2).split("\n").find((one) => one.startsWith(`\u2014 ${origin} `));
  if (at < 0 || !line || end !== "" || !/^\d{1,15}$/.test(size)) return null;
  const text = new TextEncoder().encode(noteText.slice(0, at + 1));
  const right = await crypto.subtle.verify({ name: "Ed25519" }, await imported(key), fromBase64(line.split(" ")[2]).slice(4), text);
  return right ? { origin, size: Number(size), root: fromBase64(root) } : null;
}

// Whether the hub's log holds what the receipt says: true, false, or null if the receipt does not show it.
async function inLog({ log, receipt }, key) {
  if (!log) return null;
  const found = await head(log.checkpoint, key);
  if (!found || !log.entries.length) return false;
  let answered = 0;
  for (const { index, entry, proof } of log.entries) {
    if (!await included(new TextEncoder().encode(entry), index, found.size, proof, found.root)) return false;
    const said = JSON.parse(entry);
    if (said.id !== receipt.search || said.purpose !== receipt.purpose) return false;
    if (said.kind === "search-answered" && ++answered && said.answer !== receipt.answer) return false;
  }
  return answered === 1 && found;
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
    const key = by("key").value.trim();
    const right = await good(envelope, key);
    const found = right && await inLog(envelope, key).catch(() => false);
    const verdict = !right ? words.bad : found === false ? words.not_in_log : found ? words.good_in_log : words.good;
    conclude(verdict, right && found !== false, envelope.receipt, found);
  } catch (error) {
    conclude(error.name === "NotSupportedError" ? words.old : words.bad, false);
  }
}

function conclude(verdict, right, receipt, log) {
  by("verdict").textContent = verdict;
  by("verdict").hidden = false;
  by("verdict").className = right ? "notice good" : "notice bad";
  by("said").hidden = !right;
  by("logged").hidden = !(right && log);
  if (right) by("said").replaceChildren(facts(receipt, log));
}

function facts(receipt, log) {
  const list = make("dl", { className: "facts" });
  for (const [name, title] of Object.entries(words.fields)) {
    if (name in receipt) list.append(make("dt", {}, title), make("dd", {}, said(name, receipt[name])));
  }
  if (log) list.append(make("dt", {}, words.log), make("dd", {}, `${log.origin}: ${log.size}`));
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
