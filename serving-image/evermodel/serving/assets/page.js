"use strict";

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function cell(field) {
  if (field.value === "") return null;
  if (field.dataset.kind === "number") return Number(field.value);
  return field.dataset.datatype === "BOOL" ? field.value === "true" : field.value;
}

function show(output, answer, classes, requestId) {
  const line = element("p", "");
  line.append(element("strong", String(answer.predictions[0])));
  output.append(line);
  (answer.probabilities ? answer.probabilities[0] : []).forEach((share, index) => {
    const bar = element("div", "");
    bar.className = "bar";
    const filled = element("i", "");
    filled.style.width = `${100 * share}%`;
    const track = element("span", "");
    track.append(filled);
    bar.append(element("span", String(classes[index])), track, element("span", `${(100 * share).toFixed(1)} %`));
    output.append(bar);
  });
  const origin = element("p", `answered by ${answer.model_version}, request ${requestId}`);
  origin.className = "digest";
  output.append(origin);
}

async function predict(form, model) {
  const output = form.querySelector("output");
  const row = {};
  for (const field of form.querySelectorAll("[data-column]")) row[field.dataset.column] = cell(field);
  output.replaceChildren();
  output.className = "";
  try {
    const response = await fetch(`/v1/models/${encodeURIComponent(model)}:predict`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ instances: [row] }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    show(output, answer, JSON.parse(form.dataset.classes), answer.id);
  } catch (error) {
    output.className = "error";
    output.textContent = error.message;
  }
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    predict(form, form.closest("section").dataset.model);
  });
}
