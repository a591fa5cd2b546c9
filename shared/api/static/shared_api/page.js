// Sends a page's forms as the JSON that the API accepts, and shows its answers.
"use strict";

const csrfToken = document.currentScript.dataset.csrfToken;

// <input type="datetime-local"> has no offset: it is shown and read in the browser's zone.
function toLocal(instant) {
  const date = new Date(instant);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function valueOf(input) {
  if (input.value === "") return null;
  if (input.type === "number") return Number(input.value);
  if (input.type === "datetime-local") return new Date(input.value).toISOString();
  return input.value;
}

function bodyOf(form) {
  const json = form.querySelector("[data-json]");
  if (json) return json.value;
  const inputs = [...form.querySelectorAll("input[name]")];
  if (!inputs.length) return null;
  const changesOnly = form.dataset.method === "PATCH";
  const sent = inputs.filter((input) =>
    changesOnly ? input.value !== input.defaultValue : input.value !== "",
  );
  return JSON.stringify(Object.fromEntries(sent.map((input) => [input.name, valueOf(input)])));
}

function showRefusal(form, sentence, errors) {
  const refusal = form.querySelector("[data-refusal]");
  refusal.textContent = sentence;
  refusal.hidden = sentence === "";
  for (const field of form.querySelectorAll("[data-field]")) {
    const messages = errors[field.dataset.field] ?? [];
    field.classList.toggle("has-error", messages.length > 0);
    field.querySelector("[data-errors]").textContent = messages.join(" ");
  }
}

async function send(form) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken };
  const body = bodyOf(form);
  if (body !== null) headers["Content-Type"] = "application/json";
  if (form.dataset.ifMatch) headers["If-Match"] = form.dataset.ifMatch;
  const response = await fetch(form.dataset.url, { method: form.dataset.method, headers, body });
  const answer = await response.json();
  if (response.ok) {
    const then = form.dataset.then.replace("{id}", answer.id);
    if (then) location.assign(then);
    else location.reload();
    return true;
  }
  showRefusal(form, `${answer.detail} (${answer.code})`, answer.errors ?? {});
  return false;
}

async function submit(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const question = form.dataset.question;
  if (question && !confirm(question)) return;
  const button = form.querySelector("button");
  button.disabled = true;
  showRefusal(form, "", {});
  let done = false;
  try {
    done = await send(form);
  } catch (error) {
    showRefusal(form, `There was no answer that can be understood: ${error.message}`, {});
  }
  // Once it is done, the next page is loading, and a second click would send the form again.
  button.disabled = done;
}

for (const input of document.querySelectorAll("[data-instant]")) {
  input.value = toLocal(input.dataset.instant);
  // As the browser writes it, which leaves seconds out where they are 0.
  input.defaultValue = input.value;
}
for (const zone of document.querySelectorAll("[data-time-zone]")) {
  zone.textContent = ` (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
}
for (const form of document.querySelectorAll("form[data-method]")) {
  form.addEventListener("submit", submit);
}
// An empty filter filters nothing. If it were sent empty, it would be refused.
for (const form of document.querySelectorAll("form[data-filters]")) {
  form.addEventListener("submit", () => {
    for (const input of form.elements) input.disabled = input.name !== "" && input.value === "";
  });
}
window.addEventListener("pageshow", () => {
  for (const input of document.querySelectorAll("form[data-filters] :disabled")) {
    input.disabled = false;
  }
});
