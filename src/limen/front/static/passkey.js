// Passkeys: make one with a one-time link, or sign in with one. The private key stays in the person's device.
const by = (id) => document.getElementById(id);
const words = JSON.parse(by("words").textContent).passkey;
const form = by("make-passkey");
const button = by("use-passkey") || form.querySelector("button");

function begin() {
  if (/^[\d.]+$|^\[/.test(location.hostname)) { // an address is no name that a passkey can be bound to
    say(words.by_name);
  } else if (!window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) {
    say(words.unable);
  } else {
    button.disabled = false;
    if (form) form.onsubmit = (event) => { event.preventDefault(); attempt(make); };
    else button.onclick = () => attempt(use);
  }
}

async function attempt(step) {
  button.disabled = true;
  say("");
  try {
    await step();
    location.assign("/search");
  } catch (error) {
    say(error.said || (error instanceof DOMException ? words.cancelled : words.offline));
    button.disabled = false;
  }
}

async function make() {
  const link = form.dataset.link;
  const options = await (await post(`${link}/options`)).json();
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const made = await navigator.credentials.create({ publicKey });
  await post(`${link}/passkey`, { name: by("name").value, credential: made.toJSON() });
}

async function use() {
  const options = await (await post("/sign-in/options")).json();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const used = await navigator.credentials.get({ publicKey });
  await post("/sign-in", { credential: used.toJSON() });
}

async function post(path, body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body || {}) });
  if (response.ok) return response;
  const { error } = await response.json();
  throw Object.assign(new Error(error.code), { said: `${error.message} ${error.advice}` });
}

function say(text) {
  by("trouble").textContent = text;
  by("trouble").hidden = !text;
}

begin();
