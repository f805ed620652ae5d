// The answer, as one large plain page. Built from text nodes alone: no text of an answer can become markup.

const MAX_CODE = 2900; // characters of a QR code, as the hub draws it

export function show(root, answer, words, face) {
  const w = words.answer;
  const [first, ...others] = answer.matches ?? [];
  const parts = [verdict(answer, w), first ? compare(first, w, face) : null, nextSteps(answer.next, w)];
  if (first) parts.push(...details(first, words));
  for (const other of others) parts.push(compare(other, w, face), ...details(other, words));
  if (!answer.matches?.length && answer.reasons?.length) parts.push(reasons(answer, w));
  const several = answer.samples?.find((sample) => sample.faces?.length > 1);
  if (several && face) parts.splice(1, 0, choice(root, several.faces, face, w));
  if (answer.samples?.length) parts.push(samples(answer, words));
  if (answer.answer !== "error") parts.push(receipt(answer, w));
  const again = make("button", { className: "main", type: "button", id: "again" }, w.again);
  root.replaceChildren(...parts.filter(Boolean), again);
  root.hidden = false;
  root.querySelector("h1").focus();
  return again;
}

export function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

function card(title, ...children) {
  return make("section", { className: "card" }, make("h2", {}, title), ...children);
}

function verdict(answer, w) {
  const urgent = answer.answer === "hit" && answer.matches?.some((match) => match.urgent);
  return make("div", { className: `verdict ${answer.answer}` },
    make("h1", { tabIndex: -1 }, w[answer.answer]),
    make("p", {}, answer.message ?? w.lead[answer.answer]),
    make("p", { className: "tags" }, ...[urgent ? w.urgent : "", answer.claim?.contradicts ? w.false_identity : ""]
      .filter(Boolean).map((word) => make("span", { className: "tag" }, word))));
}

// A photo of several people: which one was searched, and a button for each of the others.
function choice(root, faces, source, w) {
  const marks = faces.map((face, index) => {
    const name = `${w.face} ${index + 1}${face.searched ? `: ${w.face_searched}` : ""}`;
    const mark = make("button", { type: "button", className: face.searched ? "face searched" : "face", title: name }, `${index + 1}`);
    mark.setAttribute("aria-label", name);
    mark.disabled = face.searched;
    for (const [side, value] of [["left", face.x], ["top", face.y], ["width", face.width], ["height", face.height]]) {
      mark.style.setProperty(side, `${100 * value}%`);
    }
    mark.onclick = () => root.dispatchEvent(new CustomEvent("face", { detail: index + 1 }));
    return mark;
  });
  return card(w.faces, make("p", { className: "notice" }, w.faces_hint),
    make("div", { className: "faces" }, make("img", { src: source, alt: w.yours }), ...marks));
}

function nextSteps(steps, w) {
  if (!steps?.length) return null;
  return card(w.next, make("ol", { className: "next" }, ...steps.map((step) => make("li", {}, step))));
}

function compare(match, w, face) {
  const pair = make("div", { className: "pair" },
    figure(face, w.yours, w.no_photo), figure(match.portrait, w.record, w.no_photo, w.portrait_gone));
  const who = make("p", { className: "who-found" }, make("strong", {}, match.names[0] || match.record),
    make("br", {}), `${match.strength === "hit" ? w.by : w.by_lead}: ${match.owner_name}`);
  return card(w.compare, pair, who, match.strength === "hit" ? null : make("p", { className: "notice" }, w.lead_only));
}

function details(match, words) {
  const w = words.answer;
  return [card(match.names[0] || match.record, match.opened ? null : make("p", { className: "notice" }, w.unopened),
    facts(match, words)), claim(match.claim, w)];
}

function figure(source, caption, none, gone) {
  const empty = (why) => make("div", { className: "none" }, why);
  let picture = empty(none);
  if (source) {
    picture = make("img", { src: source, alt: caption });
    picture.addEventListener("error", () => picture.replaceWith(empty(gone ?? none)));
  }
  return make("figure", {}, picture, make("figcaption", {}, caption));
}

// A lead is no accusation: nobody is kept because somebody who looks like them is sought.
function urgency(match, w) {
  if (!match.urgent) return w.urgent_no;
  return match.strength === "hit" ? w.urgent_yes : w.urgent_lead;
}

function facts(match, words) {
  const w = words.answer;
  const named = (slug) => words.positions[slug] ?? slug;
  const rows = [
    [match.strength === "hit" ? w.by : w.by_lead, match.owner_name],
    [w.for, match.offence],
    [w.notice, [match.asks, match.notice_number].filter(Boolean).join("\n")],
    [w.urgency, urgency(match, w)],
    [w.call, match.contact, "big"],
    [w.quote, match.notice_number || match.record],
    [w.instructions, match.instructions],
    [w.aliases, match.names.slice(1).join("\n")],
    [w.born, match.date_of_birth],
    [w.sex, match.sex === "X" ? "" : match.sex],
    [w.nationalities, match.nationalities.join(", ")],
    [w.agreed, `${w.strength[match.strength]}: ${match.agreed.map(named).join(", ")}`],
  ];
  const list = make("dl", { className: "facts" });
  for (const [name, value, style] of rows) {
    if (value) list.append(make("dt", {}, name), make("dd", { className: style ?? "" }, value));
  }
  return list;
}

function claim(found, w) {
  if (!found) return null;
  const said = found.contradicts ? w.claim_false
    : found.fields.some((field) => field.verdict === "agrees") ? w.claim_true : w.claim_unknown;
  const head = make("tr", {}, ...[w.claim_field, w.claim_claimed, w.claim_recorded].map((word) => make("th", { scope: "col" }, word)));
  const rows = found.fields.map((field) => make("tr", { className: field.verdict },
    make("td", {}, w.fields[field.field] ?? field.field, make("br", {}), make("span", { className: "quiet" }, w.verdict[field.verdict])),
    make("td", {}, field.claimed), make("td", {}, field.recorded)));
  return card(w.claim, make("p", { className: found.contradicts ? "notice bad" : "quiet" }, said),
    make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
}

function reasons(answer, w) {
  const list = answer.reasons.map((reason) => make("li", {}, reason.text));
  return card(w.why, make("ul", { className: "plain" }, ...list));
}

function samples(answer, words) {
  const w = words.answer;
  const list = answer.samples.map((sample) => {
    const name = words.positions[sample.modality === "face" ? "face" : sample.position] ?? sample.modality;
    const quality = sample.quality === null ? "" : `, ${w.quality} ${sample.quality}`;
    const why = sample.reasons.map((reason) => ` ${reason.text}${reason.advice ? ` ${reason.advice}` : ""}`);
    return make("li", {}, make("strong", {}, name), `: ${w.used[sample.used]}${quality}.`, ...why);
  });
  return card(w.images, make("ul", { className: "plain" }, ...list));
}

function receipt(answer, w) {
  const held = answer.answer === "hit" || answer.answer === "refer";
  const parts = [
    make("p", {}, held ? w.held : w.forgotten),
    make("p", { className: "quiet" }, answer.sealed ? w.sealed : w.not_sealed,
      answer.gallery.records ? ` ${answer.gallery.records} ${w.searched}.` : ""),
  ];
  if (!answer.receipt) return card(w.receipt, ...parts, make("p", {}, w.receipt_none));
  const link = make("a", { className: "button", download: `receipt-${answer.id.slice(0, 8)}.json` }, w.receipt_save);
  const text = make("pre", {});
  const details = make("details", {}, make("summary", {}, w.receipt_what), text);
  const code = make("div", {});
  const card_ = card(w.receipt, ...parts, code, details, make("p", {}), link);
  link.hidden = true;
  completed(answer).then((whole) => {
    text.textContent = JSON.stringify(whole, null, 1);
    link.href = URL.createObjectURL(new Blob([text.textContent], { type: "application/json" }));
    link.hidden = false;
    showCode(code, whole, answer.receipt, w);
  });
  return card_;
}

// The receipt with the proof that the hub's log holds the search: it comes a tenth of a second after the answer.
async function completed(answer) {
  try {
    const response = await fetch(`/v1/searches/${answer.id}/receipt`, { credentials: "same-origin", cache: "no-store" });
    return response.ok ? await response.json() : answer.receipt;
  } catch {
    return answer.receipt;
  }
}

// The receipt as a QR code: the address of the page that checks it, with the receipt behind the #, which is never sent.
// Of the log it carries the answer's entry alone, as far as there is room for it.
async function showCode(place, whole, bare, w) {
  const entries = whole.log?.entries.filter(({ entry }) => entry.includes('"kind":"search-answered"'));
  const short = entries ? { ...whole, log: { ...whole.log, entries } } : whole;
  const [long, small] = [short, bare].map((receipt) => `${location.origin}/receipt#${toBase64Url(JSON.stringify(receipt))}`);
  const address = long.length <= MAX_CODE ? long : small;
  const response = await fetch("/receipt/code", { method: "POST", body: address, headers: { "Content-Type": "text/plain" } });
  if (!response.ok) return;
  const source = URL.createObjectURL(await response.blob());
  place.append(make("img", { className: "qr", src: source, alt: w.receipt }), make("p", { className: "quiet" }, w.receipt_qr));
}

function toBase64Url(text) {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
