"use strict";

// Select2 makes its own elements beside a choice of many, and leaves them without its label's name.
// A list that opens stands at the end of the page, its id made from that of the choice.
function labelOf(choice) {
  return choice?.labels?.[0]?.textContent.replace(/[\s*:]+$/, "").trim();
}

function nameAll(elements, name) {
  for (const element of name ? elements : []) element.setAttribute("aria-label", name);
}

function nameSelection(container) {
  const name = labelOf(container.previousElementSibling);
  nameAll(container.querySelectorAll("[role=textbox], [role=searchbox]"), name);
  for (const box of container.querySelectorAll("[role=combobox]")) {
    const shown = box.querySelector("[role=textbox], .select2-selection__rendered");
    box.removeAttribute("aria-labelledby"); // it names the value alone
    const owned = box.getAttribute("aria-owns"); // while it is open; it must say so in both ways
    if (owned) box.setAttribute("aria-controls", owned);
    nameAll([box], name && [name, shown?.title].filter(Boolean).join(": "));
  }
}

function nameList(list) {
  const choice = document.getElementById(list.id.replace(/^select2-(.*)-results$/, "$1"));
  const searches = list.closest(".select2-dropdown").querySelectorAll("[role=searchbox]");
  nameAll([list, ...searches], labelOf(choice));
}

function nameEach() {
  document.querySelectorAll("select + .select2-container").forEach(nameSelection);
  document.querySelectorAll(".select2-results__options[role=listbox]").forEach(nameList);
}

new MutationObserver(nameEach).observe(document.documentElement, { childList: true, subtree: true });
