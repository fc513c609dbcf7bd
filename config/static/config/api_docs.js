"use strict";

const place = document.getElementById("api");
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function followScheme() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

followScheme();
dark.addEventListener("change", followScheme);

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  syntaxHighlight: { activated: false }, // of long answers it takes seconds
  validatorUrl: null, // it would be another host's
});

// What Swagger UI draws without a name for those who do not see it.
const NAMES = {
  "#servers": () => "Server",
  ".examples-select-element": () => "Example",
  ".body-param__text": () => "Request body",
  "[data-param-name] select, [data-param-name] textarea": (field) =>
    field.closest("[data-param-name]").dataset.paramName,
};

function mend() {
  for (const [selector, name] of Object.entries(NAMES)) {
    for (const field of place.querySelectorAll(selector)) {
      field.setAttribute("aria-label", name(field));
    }
  }
  // A link within a button is none: the button itself opens the block and sets the address.
  for (const link of place.querySelectorAll("button a[href]")) link.removeAttribute("href");
  for (const code of place.querySelectorAll("pre")) code.tabIndex = 0; // else no key scrolls it
}

new MutationObserver(mend).observe(place, { childList: true, subtree: true });
