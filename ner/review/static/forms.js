// Forms that are sent to the API as JSON; afterwards the page is loaded again.

import { call } from "./api.js";

for (const form of document.querySelectorAll("form[data-api]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failed = form.querySelector("[data-failed]");
    const body = {};
    for (const field of form.elements) {
      if (field.name) body[field.name] = "number" in field.dataset ? Number(field.value) : field.value;
    }
    try {
      await call(form.dataset.api, body);
      location.reload();
    } catch (error) {
      failed.textContent = failed.dataset.failed.replace("{why}", error.message);
    }
  });
}
