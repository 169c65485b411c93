// What every page promises to whoever sees, hears or reaches it. Answers a list of what is wrong.
const faults = [];
const wrong = (element, words) => {
  const text = (element.getAttribute?.("name") || element.textContent || "").trim().slice(0, 40);
  faults.push(`<${element.tagName.toLowerCase()}> "${text}": ${words}`);
};
const isSeen = (element) => element.checkVisibility({ checkVisibilityCSS: true }) && !element.closest("[hidden]");

// One name for the page, one language, nothing beside the screen.
if (!document.documentElement.lang) faults.push("the page has no language");
if (!document.title) faults.push("the page has no title");
const heads = document.querySelectorAll("h1").length;
if (heads !== 1) faults.push(`the page has ${heads} first headings`);
if (!document.querySelector("main")) faults.push("the page has no main part");
const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
if (over > 0) {
  faults.push(`the page is ${over} pixels wider than the screen`);
  for (const element of document.querySelectorAll("main *, header *, footer *")) {
    const isInScroller = element.parentElement.closest(".scroll, .bar nav");
    if (!isInScroller && element.getBoundingClientRect().right > document.documentElement.clientWidth + 1) wrong(element, "reaches beyond it");
  }
}

// Everything that can be used has a name.
const named = "input:not([type=hidden]), select, textarea, button, a[href], summary, audio, svg[role=img], [role=slider]";
for (const element of document.querySelectorAll(named)) {
  if (!isSeen(element)) continue;
  const isField = element.matches("input, select, textarea");
  const labels = [...(element.labels || [])].map((label) => label.textContent.trim()).join("");
  const name = element.getAttribute("aria-label") || labels || (!isField && element.textContent.trim());
  if (!name) wrong(element, "has no name");
}
for (const image of document.images) if (!image.hasAttribute("alt")) wrong(image, "has no words in its place");
for (const table of document.querySelectorAll("table")) {
  for (const head of table.querySelectorAll("th")) if (!head.textContent.trim()) wrong(head, "is an empty heading");
}
const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
if (new Set(ids).size !== ids.length) faults.push("two elements have one id");

// Every text stands out from what is behind it by 4.5 to 1 (WCAG 2.2, 1.4.3).
const parsed = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const contrast = (a, b) => {
  const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};
const over_ = (top, below) => {
  const alpha = top[3] ?? 1;
  return [0, 1, 2].map((at) => top[at] * alpha + below[at] * (1 - alpha));
};
const behind = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) layers.unshift(parsed(getComputedStyle(at).backgroundColor));
  return layers.reduce((below, top) => (top.length < 3 ? below : over_(top, below)), [255, 255, 255]);
};
const legible = (element, colour, words) => {
  const ground = behind(element);
  const ratio = contrast(over_(parsed(colour), ground), ground);
  if (ratio < 4.5) wrong(element, `${words} has a contrast of ${ratio.toFixed(2)}`);
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  const isText = node.textContent.trim() && !element.closest("script, noscript, option, title");
  if (!isText || !isSeen(element) || element.closest(":disabled")) continue;
  const style = getComputedStyle(element);
  legible(element, element.closest("svg") ? style.fill : style.color, "its text");
}
for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
  if (!isSeen(field)) continue;
  legible(field, getComputedStyle(field).color, "what is typed");
  if (field.placeholder) legible(field, getComputedStyle(field, "::placeholder").color, "its placeholder");
}

// In the order of the document, for whoever steps through with the Tab key.
const reached = "a[href], button, input:not([type=hidden]), select, textarea, summary, audio[controls], [tabindex]";
window.stops = [...document.querySelectorAll(reached)].filter(
  (element) => isSeen(element) && !element.disabled && element.tabIndex >= 0,
);
window.stop = () => {
  const element = document.activeElement;
  const at = window.stops.indexOf(element);
  const style = getComputedStyle(element);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  const ratio = contrast(over_(parsed(style.outlineColor), behind(element.parentElement || element)), behind(element.parentElement || element));
  return { at, ring: ring && ratio >= 3, text: element.outerHTML.slice(0, 90), body: element === document.body };
};
return { faults, stops: window.stops.length };
