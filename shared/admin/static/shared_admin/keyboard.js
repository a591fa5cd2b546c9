// Unfold gives click handlers to elements that the keyboard can't reach. This makes them buttons.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  for (const each of document.querySelectorAll("[x-on\\:click]:not(a[href], button)")) {
    if (each.id === "changelist-filter-close") continue;
    each.setAttribute("role", "button");
    each.tabIndex = 0;
    each.addEventListener("keydown", (event) => {
      if (event.target !== each || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      each.click();
    });
  }
});
