// The officer's search: capture, ask for a one-time key, seal, send, show. The capture stays in this page's memory and
// is let go as soon as the next search begins.
import { show, make } from "./answer.js";
import { Camera } from "./camera.js";
import { encode } from "./container.js";
import * as devices from "./device.js";
import { canSeal, checkedOffer, seal } from "./seal.js";

const FACE = 1;
const FINGER = 2;
const MAX_FINGERS = 10;
const IDENTITY = "limen-hub-identity"; // the hub's key that this browser saw first
const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const by = (id) => document.getElementById(id);
const words = JSON.parse(by("words").textContent);
const camera = new Camera(by("video"));
let face = null; // {blob, url, number}: number: which of several faces was chosen, 0: none was
let fingers = []; // {blob, url, position, slug}
const sealing = window.isSecureContext ? canSeal() : Promise.resolve(false);

function begin() {
  by("camera").onclick = startCamera;
  by("take").onclick = takePhoto;
  by("switch").onclick = () => camera.other().catch(noCamera);
  by("face-file").onchange = (event) => setFace(event.target.files[0]);
  by("finger-file").onchange = (event) => addFinger(event.target.files[0]);
  by("capture").onsubmit = (event) => { event.preventDefault(); search(); };
  setFace(by("face-file").files[0]); // chosen while this script was still on its way
  addFinger(by("finger-file").files[0]);
  by("device-become").onclick = becomeDevice;
  by("device-enlist").onclick = enlistDevice;
  by("device-forget").onclick = () => devices.forget().then(showDevice);
  showDevice();
  by("go").disabled = false;
  sealing.then((able) => {
    if (!able) say("warning", window.isSecureContext ? words.search.plain_warning : words.search.insecure_warning);
  });
}

async function becomeDevice() {
  const name = by("device-name").value.trim();
  if (!/^[A-Z]{3}\/[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return say("device-note", words.device.bad_name);
  try {
    await devices.become(name);
  } catch {
    return say("device-note", words.device.cannot);
  }
  return showDevice();
}

// With a code from the bureau: the key is made here, and registered by the hub at once.
async function enlistDevice() {
  const code = by("device-code").value.trim();
  if (!code) return by("device-code").focus();
  const send = (made) => call("POST", "/device", JSON.stringify(made), "application/json");
  try {
    await devices.enlist(code, send);
  } catch (error) {
    const lost = error.message === "offline" ? words.device.offline : words.device.cannot;
    return say("device-note", error.said ? `${error.said.message} ${error.said.advice}`.trim() : lost);
  }
  by("device-code").value = "";
  return showDevice();
}

// Which device this browser is, and the key that must be registered for it.
async function showDevice() {
  const device = await devices.own();
  by("device-new").hidden = Boolean(device);
  by("device-own").hidden = !device;
  say("device-note", "");
  if (!device) return;
  by("device-is").textContent = device.name;
  by("device-state").textContent = device.registered ? words.device.registered : words.device.register;
  by("device-key").textContent = await devices.publicKey(device);
}

function say(id, text) {
  by(id).textContent = text;
  by(id).hidden = !text;
}

async function startCamera() {
  try {
    await camera.start();
    view("video");
    for (const id of ["take", "switch"]) by(id).hidden = false;
    by("camera").hidden = true;
    by("take").focus();
  } catch (error) {
    noCamera(error);
  }
}

function noCamera() {
  camera.stop();
  say("camera-note", words.search.no_camera);
}

async function takePhoto() {
  setFace(await camera.frame());
  camera.stop();
  for (const id of ["take", "switch"]) by(id).hidden = true;
  by("camera").hidden = false;
  by("camera").textContent = words.search.retake;
}

function setFace(blob) {
  if (!blob) return;
  release(face);
  face = { blob, url: URL.createObjectURL(blob), number: 0 };
  by("face-preview").src = face.url;
  view("face-preview");
  say("problem", "");
}

function view(what) {
  by("viewer").hidden = !what;
  for (const id of ["video", "face-preview"]) by(id).hidden = id !== what;
}

function addFinger(blob) {
  const select = by("finger-position");
  const chosen = select.selectedOptions[0];
  by("finger-file").value = "";
  if (!blob || fingers.length >= MAX_FINGERS) return;
  fingers = fingers.filter((finger) => finger.slug !== chosen.dataset.slug || (release(finger), false));
  fingers.push({ blob, url: URL.createObjectURL(blob), position: Number(chosen.value), slug: chosen.dataset.slug });
  select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
  say("problem", "");
  listFingers();
}

function listFingers() {
  by("fingers").replaceChildren(...fingers.map((finger) => {
    const image = make("img", { src: finger.url, alt: "" });
    image.addEventListener("error", () => { image.hidden = true; }); // WSQ and JPEG 2000 have no preview
    const remove = make("button", { type: "button" }, words.search.remove);
    remove.setAttribute("aria-label", `${words.search.remove}: ${words.positions[finger.slug]}`);
    remove.onclick = () => { release(finger); fingers = fingers.filter((other) => other !== finger); listFingers(); };
    return make("div", { className: "finger" }, image, make("span", {}, words.positions[finger.slug]), remove);
  }));
}

function release(image) {
  if (image) URL.revokeObjectURL(image.url);
}

async function search() {
  if (!face && !fingers.length) {
    say("problem", words.search.need_image);
    return;
  }
  camera.stop();
  step("working");
  try {
    conclude(await ask());
  } catch (error) {
    const known = error.said ?? { message: words.search[error.message] ?? words.search.offline };
    conclude({ answer: "error", message: known.message, next: known.advice ? [known.advice] : [] });
  }
}

async function ask() {
  say("progress", words.search.offering);
  const able = await sealing;
  const identity = able ? await hubIdentity() : null;
  const device = able ? await devices.own() : null;
  return device ? devices.inTurn(() => sent(able, identity, device)) : sent(able, identity, null);
}

async function sent(able, identity, device) {
  const more = device ? { "Limen-Device": device.name } : {};
  const opened = await call("POST", "/v1/searches", JSON.stringify(question()), "application/json", more);
  const samples = [...(face ? [{ modality: FACE, position: 0, blob: face.blob, face: face.number }] : []),
    ...fingers.map((finger) => ({ modality: FINGER, position: finger.position, blob: finger.blob }))];
  for (const sample of samples) sample.image = new Uint8Array(await sample.blob.arrayBuffer());
  const offer = able ? await checkedOffer(opened, identity) : null;
  let body = encode(samples, device ? await devices.signature(device, samples, offer) : null);
  if (able) {
    say("progress", words.search.sealing);
    const plain = body;
    body = await seal(offer, plain);
    plain.fill(0);
  }
  for (const sample of samples) sample.image.fill(0);
  say("progress", words.search.searching);
  return call("PUT", opened.capture_url, body, able ? "application/limen-sealed" : "application/cbor", more);
}

function question() {
  const claimed = {
    mrz: by("mrz").value.trim(),
    names: by("names").value.trim(), date_of_birth: by("birth").value.trim(),
    nationality: by("nationality").value, document_number: by("document").value.trim(),
  };
  const given = Object.fromEntries(Object.entries(claimed).filter(([, value]) => value));
  const asked = { purpose: by("purpose").value };
  return Object.keys(given).length ? { ...asked, claimed_identity: given } : asked;
}

// The hub's identity, remembered when it is first seen: a front that was swapped later cannot pass its own key for the
// hub's. Hubs on this machine are not remembered; nobody stands between, and hubs for trial come and go.
async function hubIdentity() {
  const { public_key: now } = await call("GET", "/v1/hub");
  if (LOOPBACK.includes(location.hostname)) return now;
  const known = localStorage.getItem(IDENTITY);
  if (known && known !== now) throw new Error("hub_changed");
  localStorage.setItem(IDENTITY, now);
  return now;
}

async function call(method, path, body, type, more = {}) {
  let response;
  try {
    response = await fetch(path, {
      method, body, headers: type ? { "Content-Type": type, ...more } : more, credentials: "same-origin", cache: "no-store",
    });
  } catch {
    throw new Error("offline");
  }
  const said = await response.json().catch(() => null);
  if (response.status === 401) location.assign("/");
  if (!response.ok) throw Object.assign(new Error("refused"), { said: said?.error });
  return said;
}

function step(what) {
  for (const id of ["capture", "working", "answer"]) by(id).hidden = id !== what;
}

function conclude(answer) {
  step("answer");
  const again = show(by("answer"), answer, words, face?.url);
  again.onclick = () => location.reload(); // the next person begins with an empty page
  by("answer").addEventListener("face", (event) => { face.number = event.detail; search(); }, { once: true });
  window.scrollTo(0, 0);
}

begin();
