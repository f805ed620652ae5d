// Offers checked, and captures sealed to them, as `limen.capture.offer` and `limen.capture.sealing` describe:
// HPKE (RFC 9180) base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; info = the offer's signed bytes.
import { join } from "./container.js";

const ascii = (word) => new TextEncoder().encode(word);
const KEM = join([ascii("KEM"), Uint8Array.of(0x00, 0x20)]);
const SUITE = join([ascii("HPKE"), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x02)]);
const VERSION = ascii("HPKE-v1");

export function fromBase64(word) {
  return Uint8Array.from(atob(word), (letter) => letter.charCodeAt(0));
}

function fromHex(word) {
  return Uint8Array.from(word.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

// Whether this browser can seal; Ed25519 and X25519 came to WebCrypto together.
export async function canSeal() {
  try {
    await crypto.subtle.generateKey({ name: "X25519" }, false, ["deriveBits"]);
    return true;
  } catch {
    return false;
  }
}

// The offer's signed bytes, once its fields and its signature by the hub's identity (hex) were checked.
export async function checkedOffer(search, identity) {
  const signed = fromBase64(search.offer);
  const view = new DataView(signed.buffer);
  const fields = join([fromHex(search.id), fromBase64(search.nonce), fromBase64(search.public_key)]);
  const same = signed.length === 103 && fields.every((byte, at) => byte === signed[15 + at]) &&
    Number(view.getBigUint64(95, true)) === search.expires;
  if (!same || new TextDecoder().decode(signed.subarray(0, 15)) !== "limen-offer-v1\0") throw new Error("hub_forged");
  const key = await crypto.subtle.importKey("raw", fromHex(identity), { name: "Ed25519" }, false, ["verify"]);
  const good = await crypto.subtle.verify({ name: "Ed25519" }, key, fromBase64(search.signature), signed);
  if (!good) throw new Error("hub_forged");
  return { signed, publicKey: fromBase64(search.public_key), nonce: fromBase64(search.nonce) };
}

async function hmac(key, data) {
  const made = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", made, data));
}

const NO_SALT = new Uint8Array(32);

function extract(salt, suite, label, data) {
  return hmac(salt, join([VERSION, suite, ascii(label), data]));
}

// One block of HKDF-Expand (RFC 5869) is enough: no output here is longer than 32 bytes.
async function expand(secret, suite, label, context, length) {
  const info = join([Uint8Array.of(0, length), VERSION, suite, ascii(label), context]);
  return (await hmac(secret, join([info, Uint8Array.of(1)]))).subarray(0, length);
}

// enc (32 bytes) || ciphertext and tag. `pair` is given by tests alone.
export async function seal(offer, plaintext, pair = null) {
  const ephemeral = pair ?? await crypto.subtle.generateKey({ name: "X25519" }, false, ["deriveBits"]);
  const enc = new Uint8Array(await crypto.subtle.exportKey("raw", ephemeral.publicKey));
  const recipient = await crypto.subtle.importKey("raw", offer.publicKey, { name: "X25519" }, false, []);
  const dh = await crypto.subtle.deriveBits({ name: "X25519", public: recipient }, ephemeral.privateKey, 256);
  const prk = await extract(NO_SALT, KEM, "eae_prk", new Uint8Array(dh));
  const shared = await expand(prk, KEM, "shared_secret", join([enc, offer.publicKey]), 32);
  const context = join([
    Uint8Array.of(0),
    await extract(NO_SALT, SUITE, "psk_id_hash", new Uint8Array(0)),
    await extract(NO_SALT, SUITE, "info_hash", offer.signed),
  ]);
  const secret = await extract(shared, SUITE, "secret", new Uint8Array(0));
  const raw = await expand(secret, SUITE, "key", context, 32);
  const iv = await expand(secret, SUITE, "base_nonce", context, 12);
  const key = await crypto.subtle.importKey("raw", raw, { name: "AES-GCM" }, false, ["encrypt"]);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plaintext));
  raw.fill(0);
  return join([enc, sealed]);
}
