// The menus of forms whose options the bot suggests while somebody types. What is chosen stands above the field, each
// as a button that drops it again.
const isSearch = (element) => element.dataset.least !== undefined;
const list = (field) => document.getElementById(field.getAttribute("aria-controls"));
const chosen = (field) => document.getElementById(`${field.id}-chosen`);
const rows = (field) => [...list(field).querySelectorAll("[data-value]")];
const active = (field) => rows(field).find((row) => row.ariaSelected === "true");

// entered returns what a field of a form holds.
export function entered(field) {
  if (!isSearch(field)) return [field.value];
  return [...chosen(field).querySelectorAll("[data-drop]")].map((one) => one.dataset.drop);
}

// drop drops what was chosen.
export function drop(button) {
  const field = button.closest(".field").querySelector("[data-least]");
  button.closest("li").remove();
  field.focus();
}

// row returns a row with what a suggestion says.
export function row(one, id) {
  const made = Object.assign(document.createElement("li"), { id, role: "option", ariaSelected: "false" });
  made.append(Object.assign(document.createElement("b"), { textContent: one.label }), Object.assign(document.createElement("span"), { textContent: one.about ?? "", className: "note" }));
  return made;
}

function open(field, all) {
  list(field).replaceChildren(...all.map((one, i) => {
    const made = row(one, `${list(field).id}-${i}`);
    if (one.text !== undefined) Object.assign(made.dataset, { value: one.text, label: one.label });
    return made;
  }));
  list(field).hidden = all.length === 0;
  field.ariaExpanded = String(all.length > 0);
  mark(field, rows(field)[0]);
}

function mark(field, which) {
  rows(field).forEach((one) => { one.ariaSelected = String(one === which); });
  which?.scrollIntoView({ block: "nearest" });
  if (which) field.setAttribute("aria-activedescendant", which.id);
  else field.removeAttribute("aria-activedescendant");
}

function take(field, { dataset: { value, label } }) {
  const most = Number(field.dataset.most), had = entered(field);
  if (!had.includes(value) && (most === 1 || !most || had.length < most)) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: `${label} ×`, ariaLabel: `Remove ${label}` });
    button.dataset.drop = value;
    const one = document.createElement("li");
    one.append(button);
    if (most === 1) chosen(field).replaceChildren(one);
    else chosen(field).append(one);
  }
  field.value = "";
  open(field, []);
}

// searches has the fields below an element search, with a function that asks for suggestions.
export function searches(element, ask) {
  const search = async (field) => {
    const text = field.value;
    if ([...text].length < Number(field.dataset.least)) return open(field, []);
    const answer = await ask(field, text);
    if (!field.isConnected || field.value !== text || document.activeElement !== field) return; // somebody went on meanwhile
    const all = answer.suggestions ?? [];
    open(field, all.length || answer.error ? all : [{ label: "Nothing found" }]);
  };
  const on = (event, does) => element.addEventListener(event, (e) => { if (isSearch(e.target)) does(e.target, e); });
  on("input", search);
  on("focusin", (field) => { if (!field.value) search(field); });
  on("focusout", (field) => open(field, []));
  on("keydown", (field, event) => {
    const all = rows(field), at = all.indexOf(active(field));
    if (list(field).hidden || event.isComposing) return;
    if (event.key === "ArrowDown") mark(field, all[(at + 1) % all.length]);
    else if (event.key === "ArrowUp") mark(field, all.at(at - 1));
    else if (event.key === "Escape") open(field, []);
    else if (event.key === "Enter") { if (at >= 0) take(field, all[at]); }
    else return;
    event.preventDefault(); // it neither sends nor closes the form
    event.stopPropagation();
  });
  element.addEventListener("mousedown", (event) => {
    const one = event.target.closest(".options [data-value]");
    if (!one) return;
    event.preventDefault(); // the field keeps the focus
    take(document.querySelector(`[aria-controls="${CSS.escape(one.parentElement.id)}"]`), one);
  });
}
