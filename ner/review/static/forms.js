// Forms that are sent to the API as JSON; afterwards the page is loaded again.

import { call } from "./api.js";

for (const form of document.querySelectorAll("form[data-api]")) {
  // Fields that only some of the choices of another field need (`data-for`).
  const fit = () => {
    for (const part of form.querySelectorAll("[data-for]")) {
      part.hidden = !part.dataset.for.split(" ").includes(form.elements.kind.value);
      part.querySelector("input, select").disabled = part.hidden;
    }
  };
  form.addEventListener("change", fit);
  fit();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failed = form.querySelector("[data-failed]");
    const body = {};
    for (const field of form.elements) {
      if (!field.name || field.disabled) continue;
      const value = "number" in field.dataset ? Number(field.value) : field.value;
      body[field.name] = "list" in field.dataset ? [...(body[field.name] ?? []), value] : value;
    }
    try {
      await call(form.dataset.api, body);
      location.reload();
    } catch (error) {
      failed.textContent = failed.dataset.failed.replace("{why}", error.message);
    }
  });
}
