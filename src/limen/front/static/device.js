// This browser as a registered capture device: an Ed25519 key that cannot leave it, in IndexedDB, and its signature under
// each capture (COSE_Sign1, RFC 9052), as `limen.capture.device` describes.
import { bytes, head, join, text } from "./container.js";

const [DATABASE, STORE, OWN] = ["limen-device", "keys", "own"];
const ED25519 = { name: "Ed25519" };
const EXTERNAL = new TextEncoder().encode("limen-capture-v1\0");
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

// {name, pair, counter} of this browser, or null if it is no device.
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

export function forget() {
  return stored("readwrite", (store) => store.delete(OWN));
}

// The public key as `limen access device add --public-key` reads it: base64 of 32 bytes.
export async function publicKey({ pair }) {
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey))));
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

// The counter is the clock in microseconds, and higher than ever even if the clock goes back.
async function counted(device) {
  device.counter = Math.max(device.counter + 1, Date.now() * 1000);
  await stored("readwrite", (store) => store.put(device, OWN));
  return device.counter;
}

// The device's signature under these samples for the offer's search (`checkedOffer`), as the container takes it.
export async function signature(device, samples, offer) {
  const payload = join([
    head(5, 6),
    text("key"), bytes(await sha256(offer.publicKey)),
    text("time"), head(0, Math.floor(Date.now() / 1000)),
    text("nonce"), bytes(offer.nonce),
    text("device"), text(device.name),
    text("counter"), head(0, await counted(device)),
    text("samples"), bytes(await digest(samples)),
  ]);
  const signed = join([head(4, 4), text("Signature1"), bytes(PROTECTED), bytes(EXTERNAL), bytes(payload)]);
  const value = new Uint8Array(await crypto.subtle.sign(ED25519, device.pair.privateKey, signed));
  const name = new TextEncoder().encode(device.name);
  return join([head(6, 18), head(4, 4), bytes(PROTECTED), head(5, 1), head(0, 4), bytes(name), bytes(payload), bytes(value)]);
}
