// The page that leads a client here: asks for the lights, fills in keys, copies texts.
"use strict";

const ASK_EVERY_MS = 2000;

const lights = document.getElementById("lights");

async function ask() {
  // A page in the background asks nothing.
  if (document.hidden) return;
  try {
    const answer = await fetch(lights.dataset.url, { redirect: "error" });
    if (!answer.ok) return;
    const html = await answer.text();
    // Written only where it differs, so that a reader hears of changes alone.
    if (html.trim() !== lights.dataset.shown) {
      lights.innerHTML = html;
      lights.dataset.shown = html.trim();
    }
  } catch {
    // The server restarts, or the session has ended: the next time will tell.
  }
}

function fill(input) {
  const place = input.dataset.fills;
  for (const span of document.querySelectorAll(`[data-place="${place}"]`)) {
    span.textContent = input.value.trim() || place;
  }
}

async function copy(button) {
  const text = document.getElementById(button.dataset.copies).textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // Without https browsers give no clipboard: the text is selected instead.
    getSelection().selectAllChildren(document.getElementById(button.dataset.copies));
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

for (const input of document.querySelectorAll("[data-fills]")) {
  input.addEventListener("input", () => fill(input));
  fill(input); // a reloaded page keeps what was entered
}
for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
setInterval(ask, ASK_EVERY_MS);
document.addEventListener("visibilitychange", ask);
