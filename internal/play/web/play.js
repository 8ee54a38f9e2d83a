// The page: shows what the server draws, and sends what somebody does. It knows nothing of what is shown.
import { drop, entered, row, searches } from "./search.js";

const $ = (id) => document.getElementById(id);
const html = globalThis.trustedTypes?.createPolicy("play", { createHTML: (text) => text }) ?? { createHTML: (text) => text };
const view = { as: "", place: "", thread: "" }; // empty is where the server begins
let token = sessionStorage.getItem("token");
let streaming = null; // ends the present stream

// --- calls

async function post(path, body, signal) {
  return fetch(path, { method: "POST", body: JSON.stringify(body), signal, headers: { "Content-Type": "application/json", "X-Sshkeybot-Token": token ?? "" } });
}

// act sends what somebody does, and returns the answer; what went wrong is shown, unless quiet.
async function act(name, more = {}, button = null, quiet = false) {
  button?.setAttribute("aria-busy", "true");
  try {
    const response = await post("/act", { ...view, act: name, ...more });
    const answer = await response.json();
    if (response.status === 401) gate(answer.error);
    else if (answer.error && !quiet) toast(answer.error);
    return answer;
  } catch {
    lost(true);
    return { error: "gone" };
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

// lost says whether the demo answers, for as long as it does not.
function lost(gone) {
  $("lost").hidden = !gone;
}

let toasting = 0;
function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toasting);
  toasting = setTimeout(() => { $("toast").hidden = true; }, 6000);
}

function gate(text) {
  if (text) $("gate-text").textContent = text;
  if (!$("gate").open) $("gate").showModal();
}

// --- what the server draws

async function stream() {
  streaming?.abort();
  const mine = (streaming = new AbortController());
  for (let fresh = true; !mine.signal.aborted; fresh = false) {
    if (!fresh) await new Promise((wake) => setTimeout(wake, 1000));
    try {
      const response = await post("/stream", view, mine.signal);
      lost(false);
      if (response.status === 401) return gate((await response.json()).error);
      await read(response.body.getReader(), mine.signal);
    } catch {
      if (!mine.signal.aborted) lost(true);
    }
  }
}

async function read(reader, signal) {
  const text = new TextDecoder();
  for (let rest = ""; ; ) {
    const { done, value } = await reader.read();
    if (done || signal.aborted) return;
    rest += text.decode(value, { stream: true });
    const events = rest.split("\n\n");
    rest = events.pop();
    for (const event of events) if (event.startsWith("data: ")) show(JSON.parse(event.slice(6)));
  }
}

function show(patches) {
  const focused = document.activeElement !== document.body;
  for (const [region, patch] of Object.entries(patches)) {
    const box = $(region);
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
    draw(box, patch);
    if (atEnd && (region === "messages" || region === "thread")) box.scrollTop = box.scrollHeight;
  }
  const home = $("title").querySelector("[data-home=true]") !== null;
  $("composer").hidden = home;
  $("drawer").hidden = view.thread === "" || home;
  const form = $("modal").firstElementChild !== null;
  if (form && !$("modal-frame").open) $("modal-frame").showModal();
  if (!form && $("modal-frame").open) $("modal-frame").close();
  if (document.activeElement.matches("#tour li")) $("tour").querySelector(".now button")?.focus({ preventScroll: true });
  if (focused) keepFocus();
  seek();
}

// keepFocus puts the focus in what somebody works in, where what had it is gone.
function keepFocus() {
  if (document.activeElement !== document.body || $("modal-frame").open || $("confirm").open || $("gate").open) return;
  const box = last.isConnected && last.checkVisibility() ? last : $("messages");
  if (!box.hasAttribute("tabindex")) box.tabIndex = -1;
  box.focus({ preventScroll: true });
}

let last = $("messages"); // the region that had the focus
document.addEventListener("focusin", ({ target }) => {
  last = target.closest("#messages, #thread, #composer, #who, #truth") ?? last;
  if (last.id === "composer") last = $("text");
});

// draw makes a region be what the server says, and keeps the parts that did not change.
function draw(box, { order, html: changed }) {
  const had = new Map([...box.children].map((part) => [part.dataset.key, part]));
  order.forEach((key, i) => {
    let part = had.get(key);
    if (changed[key] !== undefined) {
      const fresh = parse(changed[key]);
      fresh.dataset.key = key;
      if (part) replace(part, fresh);
      part = fresh;
    }
    if (box.children[i] !== part) box.insertBefore(part, box.children[i] ?? null);
    had.delete(key);
  });
  had.forEach((part) => part.remove());
}

function parse(text) {
  const template = document.createElement("template");
  template.innerHTML = html.createHTML(text);
  return template.content.firstElementChild;
}

// replace puts a part in place of an older one, and keeps what is open, typed, wrong and focused in it.
function replace(old, fresh) {
  if (old.matches("details[open]")) fresh.open = true;
  const folds = fresh.querySelectorAll("details");
  old.querySelectorAll("details").forEach((d, i) => { if (d.open && folds[i]) folds[i].open = true; });
  for (const field of fields(old)) keep(field, fresh);
  fresh.querySelectorAll(".error[id]").forEach((error) => {
    const said = old.querySelector(`#${CSS.escape(error.id)}`);
    if (said) [error.textContent, error.hidden] = [said.textContent, said.hidden];
  });
  old.querySelectorAll("[aria-invalid=true]").forEach((field) => fresh.querySelector(`#${CSS.escape(field.id)}`)?.setAttribute("aria-invalid", "true"));
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const at = focused ? alike(old, focused).indexOf(focused) : -1;
  old.replaceWith(fresh);
  if (!focused) return;
  alike(fresh, focused)[at]?.focus({ preventScroll: true });
  if (fresh.contains(document.activeElement)) return;
  fresh.tabIndex = -1; // what had the focus is gone: what it was in has it
  fresh.focus({ preventScroll: true });
}

// keep has the same field in a fresh part hold what this one does, where it can.
function keep(field, fresh) {
  const twin = fields(fresh).find((f) => f.id === field.id && f.dataset.action === field.dataset.action && f.localName === field.localName);
  if (!twin || (field.matches("select") && ![...twin.options].some((o) => o.value === field.value))) return;
  twin.value = field.value;
  const had = $(`${field.id}-chosen`), has = fresh.querySelector(`#${CSS.escape(field.id)}-chosen`);
  if (had && has) has.replaceChildren(...had.children);
}

// alike returns what is in a part that does the same as an element.
function alike(part, element) {
  const does = ({ localName, dataset: { confirmText, ...rest } }) => localName + JSON.stringify(rest);
  return [...part.querySelectorAll(element.localName)].filter((e) => does(e) === does(element));
}

// --- who and where

function go(to, keep = false) {
  sought = "";
  const before = JSON.stringify(view);
  const moved = ["as", "place"].some((key) => to[key] && to[key] !== view[key]);
  Object.assign(view, to);
  if (moved && !keep) view.thread = to.thread ?? "";
  sessionStorage.setItem("view", JSON.stringify(view));
  if (moved) {
    if ($("messages").contains(document.activeElement)) $("messages").focus();
    $("messages").replaceChildren();
    $("thread").replaceChildren();
    $("messages").scrollTop = 0;
  }
  if (!streaming || JSON.stringify(view) !== before) stream();
  if (view.place === "home") act("home");
}

let sought = ""; // the ts of a message that is shown once it is drawn

// follow leads to the message of a permalink.
async function follow({ open: channel, message: ts }) {
  const { place, thread } = await act("follow", { channel, ts });
  if (!place) return;
  go(thread ? { place, thread } : { place });
  pane("slack");
  sought = ts;
  seek();
}

// seek gives the focus, which is seen, to the message that somebody looks for.
function seek() {
  const found = sought && [...document.querySelectorAll(".message:not([data-only])")].find((m) => m.dataset.ts === sought && m.checkVisibility());
  if (!found) return;
  sought = "";
  const whole = found.closest(".entry") ?? found;
  whole.tabIndex = -1;
  whole.focus({ preventScroll: true });
  whole.scrollIntoView({ block: "center" });
}

// closeThread leads back to where the thread was opened.
function closeThread() {
  const opener = $("messages").querySelector(`[data-thread="${CSS.escape(view.thread)}"]`) ?? $("messages");
  go({ thread: "" }, true);
  $("drawer").hidden = true;
  opener.focus();
}

function pane(name) {
  document.body.dataset.pane = name;
  for (const button of $("panes").children) button.setAttribute("aria-pressed", String(button.dataset.paneOf === name));
}

function type(text) {
  $("text").value = text;
  $("text").focus();
  grow();
}

// --- what somebody does

let decide = null; // takes whether to go on, while a question is open
function settle(yes) {
  decide?.(yes);
  decide = null;
}

// confirmed asks what a button asks before it does something, and returns whether to go on.
function confirmed({ dataset: d }) {
  settle(false);
  if (!d.confirmTitle) return Promise.resolve(true);
  $("confirm-title").textContent = d.confirmTitle;
  $("confirm-text").textContent = d.confirmText;
  $("confirm-no").textContent = d.confirmNo || "Cancel";
  $("confirm-yes").textContent = d.confirmYes || "OK";
  $("confirm-yes").className = d.confirmStyle === "danger" ? "danger" : "primary";
  $("confirm").showModal();
  return new Promise((take) => { decide = take; });
}

// where returns what a button or menu of Slack's stands in.
function where(element) {
  const inView = element.closest("[data-in=view]");
  if (inView) return { in: "view", view: inView.dataset.view };
  if (element.closest("[data-in=home]")) return { in: "home" };
  const message = element.closest(".message");
  return { in: message.dataset.only ? "only" : "message", channel: message.dataset.channel, ts: message.dataset.ts };
}

// shut closes the menu that an element is in, and leaves the focus at what opens it.
function shut(element) {
  const menu = element.closest(".overflow[open]");
  if (!menu) return false;
  menu.open = false;
  menu.firstElementChild.focus();
  return true;
}

async function press(element, more) {
  shut(element);
  if (!(await confirmed(element))) {
    if (element.matches("select")) element.value = "";
    return;
  }
  const form = element.closest("form"); // what is entered in it goes along
  await act("click", { ...where(element), action: element.dataset.action, ...more, ...(form && { values: valuesOf(form) }) }, element);
}

async function nudge(to, button) {
  const { as, place, type: text, act: name, ...more } = to;
  if (as) {
    go({ as, place, thread: "" });
    pane("slack");
  }
  if (text) type(text);
  if (name) await act(name, more, button);
}

const clicks = {
  as: (d) => go({ as: d.as }),
  place: (d) => { go({ place: d.place }); pane("slack"); },
  open: (d) => (d.message ? follow(d) : go({ place: d.open })),
  thread: (d) => go({ thread: view.thread === d.thread ? "" : d.thread }, true),
  close: (d) => (d.close === "thread" ? closeThread() : closeModal()),
  go: (d, e) => nudge(JSON.parse(d.go), e),
  clock: (d, e) => act("clock", { by: d.clock }, e),
  cut: (d, e) => act("cut", {}, e),
  size: (d, e) => { go({ thread: "" }); return act("reset", { servers: Number(d.size) }, e); },
  copy: async (d) => { await navigator.clipboard.writeText(d.copy); toast("Copied."); },
  paneOf: (d) => pane(d.paneOf),
  tab: (d) => tab(d.tab),
  drop: (d, e) => drop(e),
  shortcut: (d, e) => { shut(e); return act("shortcut", { name: d.shortcut }, e); },
  act: (d, e) => (e.matches("button") ? press(e, { value: d.value }) : undefined),
};

// tab opens another tab as somebody, with a key of its own.
async function tab(as) {
  const other = window.open("about:blank");
  const { key } = await act("tab");
  if (!other) return toast("The browser allows no other tab.");
  other.opener = null;
  other.location.replace(`/#key=${key}&as=${as}`);
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".overflow[open]")) if (!menu.contains(event.target)) menu.open = false;
  const target = event.target.closest("button, a[data-open]");
  if (!target || target.disabled) return;
  if (target.id === "confirm-yes" || target.id === "confirm-no") {
    $("confirm").close();
    return settle(target.id === "confirm-yes");
  }
  for (const [name, does] of Object.entries(clicks)) {
    if (target.dataset[name] === undefined) continue;
    event.preventDefault();
    does(target.dataset, target);
    return;
  }
});

// Escape closes a menu, and nothing behind it.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !shut(event.target)) return;
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("change", (event) => {
  const { target } = event;
  const d = target.dataset;
  if (d.act === "choose" && target.value) press(target, { choose: target.value });
  if (d.trouble) act("trouble", { server: Number(d.trouble), name: target.value });
  if (d.toggle) act("toggle", { name: d.toggle, on: target.checked });
});

// --- forms

function closeModal() {
  const form = $("modal").querySelector("form");
  if (form) act("close", { view: form.dataset.view });
}

$("modal-frame").addEventListener("cancel", (event) => { event.preventDefault(); closeModal(); });
// A browser lets a page refuse Escape once only.
$("gate").addEventListener("close", () => $("gate").showModal());
// The browser tells of a closing later, when the dialog may be open again, for something else.
$("modal-frame").addEventListener("close", () => { if (!$("modal-frame").open) closeModal(); });
$("confirm").addEventListener("close", () => { if (!$("confirm").open) settle(false); });
for (const dialog of [$("modal-frame"), $("confirm")]) dialog.addEventListener("close", keepFocus);
$("drawer").addEventListener("keydown", (event) => { if (event.key === "Escape") closeThread(); });

const isField = "[data-block][data-action]:is(input, textarea, select)";
const fields = (part) => [...part.querySelectorAll(isField)];

// valuesOf returns what the fields of a form hold, by block and action.
function valuesOf(form) {
  const values = {};
  for (const field of fields(form)) (values[field.dataset.block] ??= {})[field.dataset.action] = entered(field);
  return values;
}

searches($("modal"), async (field, text) => {
  const answer = await act("suggest", { view: field.form.dataset.view, block: field.dataset.block, action: field.dataset.action, text }, null, true);
  if (answer.error && field.isConnected) toast(answer.error); // not of a form that was closed meanwhile
  return answer;
});

$("modal").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const missing = {};
  for (const field of fields(form)) {
    if (field.required && !entered(field).some((one) => one.trim())) missing[field.dataset.block] = "Fill this in.";
  }
  complain(form, { errors: missing });
  if (Object.keys(missing).length) return; // as in Slack, the bot hears nothing of it
  const answer = await act("submit", { view: form.dataset.view, values: valuesOf(form) }, form.querySelector("[type=submit]"), true);
  const drawn = $("modal").querySelector("form"); // perhaps anew, meanwhile
  if (drawn?.dataset.view === form.dataset.view) complain(drawn, answer);
});

// complain shows what is wrong with a form, each under its field, and leads to the first.
function complain(form, { errors = {}, error = "" }) {
  for (const field of fields(form)) {
    const text = errors[field.dataset.block] ?? "", place = field.closest(".field").querySelector(".error");
    place.textContent = text;
    place.hidden = !text;
    field.setAttribute("aria-invalid", String(!!text));
  }
  const all = form.querySelector("#modal-error");
  all.textContent = error;
  all.hidden = !error;
  form.querySelector("[aria-invalid=true]")?.focus();
}

// --- what is typed

let chosen = -1;
const options = () => [...$("suggestions").children];

function grow() {
  $("text").rows = Math.min(8, $("text").value.split("\n").length);
}

function hideSuggestions() {
  $("suggestions").hidden = true;
  $("suggestions").replaceChildren();
  choose(-1);
  $("text").setAttribute("aria-expanded", "false");
}

async function suggest() {
  const text = $("text").value;
  const all = text.startsWith("/") ? ((await act("complete", { text })).suggestions ?? []) : [];
  if (text !== $("text").value || (all.length && document.activeElement !== $("text"))) return; // somebody went on meanwhile
  $("suggestions").replaceChildren(...all.map((one, i) => {
    const made = row(one, `suggestion-${i}`);
    made.dataset.text = one.text;
    return made;
  }));
  choose(-1);
  $("suggestions").hidden = all.length === 0;
  $("text").setAttribute("aria-expanded", String(all.length > 0));
}

function choose(i) {
  chosen = i;
  options().forEach((row, at) => row.setAttribute("aria-selected", String(at === i)));
  options()[i]?.scrollIntoView({ block: "nearest" });
  if (i >= 0) $("text").setAttribute("aria-activedescendant", `suggestion-${i}`);
  else $("text").removeAttribute("aria-activedescendant");
}

function take(row) {
  type(row.dataset.text);
  hideSuggestions(); // the next ones come
  suggest();
}

async function send() {
  const text = $("text").value;
  if (!text.trim()) return;
  $("text").value = "";
  grow();
  suggest();
  const answer = await act("type", { text }, $("composer").querySelector("[type=submit]"));
  if (answer.error && !$("text").value) type(text); // nothing is lost
}

$("text").addEventListener("input", () => { grow(); choose(-1); suggest(); }); // what was chosen is of before
$("text").addEventListener("keydown", (event) => {
  const all = options();
  if (event.key === "Escape") return hideSuggestions();
  if (all.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    choose((chosen + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length);
  } else if (all.length && event.key === "Tab" && !event.shiftKey && chosen >= 0) {
    event.preventDefault();
    take(all[chosen]);
  } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (chosen >= 0) take(all[chosen]);
    else send();
  }
});
$("text").addEventListener("blur", hideSuggestions);
$("composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
$("suggestions").addEventListener("mousedown", (event) => {
  event.preventDefault();
  const row = event.target.closest("li");
  if (row) take(row);
});

// --- begin

async function begin() {
  const given = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", "/");
  Object.assign(view, JSON.parse(sessionStorage.getItem("view") ?? "{}"));
  if (given.get("as")) Object.assign(view, { as: given.get("as"), place: "", thread: "" });
  if (given.get("key")) {
    const response = await post("/session", { key: given.get("key") }).catch(() => null);
    if (!response) return lost(true);
    const answer = await response.json();
    if (!response.ok) return gate(answer.error);
    token = answer.token;
    sessionStorage.setItem("token", token);
  }
  if (!token) return gate();
  go({});
}

begin();
