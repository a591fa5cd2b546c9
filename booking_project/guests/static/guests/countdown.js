// Counts down to the opening of a booking, then shows what the server says now. The page has the date
// itself, for browsers without scripts.
"use strict";

for (const shown of document.querySelectorAll("[data-seconds]")) {
  const { seconds, text, days, opened } = shown.dataset;
  // Counted from when the page came, because the clock of this device may be wrong.
  const end = performance.now() + Number(seconds) * 1000;
  const two = (number) => String(number).padStart(2, "0");
  const show = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) {
      clearInterval(timer);
      shown.textContent = opened;
      // Not everybody in the same moment.
      setTimeout(() => location.assign(location.href), 500 + Math.random() * 2000);
      return;
    }
    const hours = Math.floor(left / 3600);
    const clock = `${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
    const whole = hours < 24 ? "" : `${Math.floor(hours / 24)} ${days} `;
    shown.textContent = `${text} ${whole}${two(hours % 24)}:${clock}`;
  };
  const timer = setInterval(show, 1000);
  show();
}
