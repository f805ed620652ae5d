// This browser as a registered capture device: an Ed25519 key that cannot leave it, in IndexedDB, and its signature under
// each capture (COSE_Sign1, RFC 9052), as `limen.capture.device` describes.
import { bytes, head, join, text } from "./container.js";

const [DATABASE, STORE, OWN, PENDING] = ["limen-device", "keys", "own", "pending"];
const ED25519 = { name: "Ed25519" };
const EXTERNAL = new TextEncoder().encode("limen-capture-v1\0");
const PROOF = new TextEncoder().encode("limen-device-code-v1\0");
const PROTECTED = Uint8Array.of(0xa1, 0x01, 0x27); // {1: -8}: EdDSA
const CHOSEN = 0x80; // set in the modality of a photo in which one of several faces was chosen

function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function stored(mode, act) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const asked = act(database.transaction(STORE, mode).objectStore(STORE));
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  } finally {
    database.close();
  }
}

// One transaction in which `act` changes the store; ends once all of it is kept.
async function changed(act) {
  const database = await opened();
  try {
    await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, "readwrite", { durability: "strict" });
      transaction.oncomplete = resolve;
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
      act(transaction.objectStore(STORE));
    });
  } finally {
    database.close();
  }
}

// {name, pair, counter, registered} of this browser, or null if it is no device.
export async function own() {
  try {
    return await stored("readonly", (store) => store.get(OWN)) ?? null;
  } catch {
    return null;
  }
}

// Make this browser a device of that name (COUNTRY/NAME); its private key can be used here and nowhere else. Throws
// NotSupportedError where the browser lacks Ed25519.
export async function become(name) {
  const pair = await crypto.subtle.generateKey(ED25519, false, ["sign", "verify"]);
  await stored("readwrite", (store) => store.put({ name, pair, counter: 0 }, OWN));
  return own();
}

// Make this browser the device that a one-time code is for; `send` hands {code, public_key, signature} to the hub and
// brings {name}. The key is kept before it is sent, so that trying again after a lost answer comes with the same key.
export async function enlist(code, send) {
  let pair = await stored("readonly", (store) => store.get(PENDING));
  if (!pair) {
    pair = await crypto.subtle.generateKey(ED25519, false, ["sign", "verify"]);
    await stored("readwrite", (store) => store.put(pair, PENDING));
  }
  const key = await raw(pair);
  const said = code.toUpperCase().replace(/[ -]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
  const signed = join([PROOF, new TextEncoder().encode(said), Uint8Array.of(0), key]);
  const signature = base64(await crypto.subtle.sign(ED25519, pair.privateKey, signed));
  const { name } = await send({ code, public_key: base64(key), signature });
  await changed((store) => {
    store.put({ name, pair, counter: 0, registered: true }, OWN);
    store.delete(PENDING);
  });
  return own();
}

export function forget() {
  return stored("readwrite", (store) => store.delete(OWN));
}

function base64(data) {
  return btoa(String.fromCharCode(...new Uint8Array(data)));
}

async function raw(pair) {
  return new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
}

// The public key as `limen access device add --public-key` reads it: base64 of 32 bytes.
export async function publicKey({ pair }) {
  return base64(await raw(pair));
}

async function sha256(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

async function digest(samples) {
  const parts = [];
  for (const { modality, position, face, image } of samples) {
    parts.push(Uint8Array.from(face ? [modality | CHOSEN, position, face] : [modality, position]), await sha256(image));
  }
  return sha256(join(parts));
}

// The next counter: the clock in microseconds, and higher than ever even if the clock goes back. Read and written in one
// transaction, which the browser lets one tab at a time have: no two tabs get the same.
async function counted() {
  let counter = 0;
  await changed((store) => {
    store.get(OWN).onsuccess = ({ target: { result: device } }) => {
      counter = Math.max(device.counter + 1, Date.now() * 1000);
      store.put({ ...device, counter }, OWN);
    };
  });
  return counter;
}

// While `act` runs, no other tab of this browser sends a capture as this device: they arrive in the counter's order.
export function inTurn(act) {
  return navigator.locks ? navigator.locks.request(DATABASE, act) : act();
}

// The device's signature under these samples for the offer's search (`checkedOffer`), as the container takes it.
export async function signature(device, samples, offer) {
  const payload = join([
    head(5, 6),
    text("key"), bytes(await sha256(offer.publicKey)),
    text("time"), head(0, Math.floor(Date.now() / 1000)),
    text("nonce"), bytes(offer.nonce),
    text("device"), text(device.name),
    text("counter"), head(0, await counted()),
    text("samples"), bytes(await digest(samples)),
  ]);
  const signed = join([head(4, 4), text("Signature1"), bytes(PROTECTED), bytes(EXTERNAL), bytes(payload)]);
  const value = new Uint8Array(await crypto.subtle.sign(ED25519, device.pair.privateKey, signed));
  const name = new TextEncoder().encode(device.name);
  return join([head(6, 18), head(4, 4), bytes(PROTECTED), head(5, 1), head(0, 4), bytes(name), bytes(payload), bytes(value)]);
}
