// Making and updating elements. Text goes in as text nodes only, so nothing that anybody wrote is ever markup.

export const byId = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const drawnFrom = new WeakMap();

/** Make the container's children those of `items`, drawing only what changed. Keeps the focus where it was. */
export function reconcile(container, items, { key, draw }) {
  const focused = focusWithin(container);
  const there = new Map([...container.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map((item) => current(there.get(String(key(item))), item, { key, draw }));
  if (wanted.length !== container.children.length || wanted.some((child, at) => child !== container.children[at])) {
    arrange(container, wanted);
  }
  if (focused) restoreFocus(container, focused);
}

function current(child, item, { key, draw }) {
  const source = JSON.stringify(item);
  if (child && drawnFrom.get(child) === source) return child;
  const fresh = draw(item);
  fresh.dataset.key = key(item);
  drawnFrom.set(fresh, source);
  return fresh;
}

/** Children that stay are not moved unless their order changed: a moved one is read aloud again. */
function arrange(container, wanted) {
  const kept = new Set(wanted);
  for (const child of [...container.children]) if (!kept.has(child)) child.remove();
  wanted.forEach((child, at) => {
    if (container.children[at] !== child) container.insertBefore(child, container.children[at] ?? null);
  });
}

const CONTROLS = "button, a, input, select, textarea";

function focusWithin(container) {
  const child = [...container.children].find((each) => each.contains(document.activeElement));
  if (!child) return null;
  return { key: child.dataset.key, control: [...child.querySelectorAll(CONTROLS)].indexOf(document.activeElement) };
}

function restoreFocus(container, { key, control }) {
  const child = [...container.children].find((each) => each.dataset.key === key);
  const again = child?.querySelectorAll(CONTROLS)[control];
  if (again && again !== document.activeElement) again.focus({ preventScroll: true });
}

/** Set a select's options, [value, text] each, keeping what is chosen if it is still there, else the first. */
export function setOptions(select, options, chosen = select.value) {
  reconcile(select, options, {
    key: ([value]) => value,
    draw: ([value, text]) => el("option", { value }, text),
  });
  select.value = chosen;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
}

/** Change the text only if it differs, so that a live region does not repeat itself. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Enter submits the text's form, Shift+Enter is a new line; an input method's own Enter is left to it. */
export function sendOnEnter(textarea) {
  textarea.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    textarea.form.requestSubmit();
  });
}

/** Run `change` and keep a list scrolled to its end if it was there, or if `always`. */
export function keepAtEnd(list, change, { always = false } = {}) {
  const atEnd = always || isAtEnd(list);
  change();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

/** A list at its end stays there when it is given less room. */
export function stayAtEnd(list) {
  let wasAtEnd = true;
  list.addEventListener("scroll", () => (wasAtEnd = isAtEnd(list)));
  new ResizeObserver(() => wasAtEnd && (list.scrollTop = list.scrollHeight)).observe(list);
}

function isAtEnd(list) {
  return list.scrollHeight - list.scrollTop - list.clientHeight < 40;
}
