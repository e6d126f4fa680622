"use strict";

/** The API key, where one was asked for. It is kept here and nowhere else. */
let key = "";

function make(tag, words, kind) {
  const made = document.createElement(tag);
  if (words !== undefined) made.textContent = words;
  if (kind) made.className = kind;
  return made;
}

function headers(more) {
  return key ? { ...more, Authorization: `Bearer ${key}` } : more;
}

const parts = (field) => ({
  control: field.querySelector("[data-value]"),
  typed: field.querySelector("[data-typed]"),
  missing: field.querySelector("[data-missing]"),
  wrong: field.querySelector(".wrong"),
  hint: field.querySelector(".hint"),
});

/* Fields */

function isOther(control) {
  return control.tagName === "SELECT" && control.selectedOptions[0] && "other" in control.selectedOptions[0].dataset;
}

/** The value of a field as JSON has it; null where it is missing. */
function read(field) {
  const { control, typed, missing } = parts(field);
  if (missing && missing.checked) return null;
  if (control.type === "checkbox") return control.checked;
  const text = isOther(control) ? typed.value : control.value;
  if (text === "") return null;
  if (field.dataset.kind === "number" && control.type === "number") return Number(text);
  return control.type === "datetime-local" ? `${text}Z` : text;
}

/** Puts a value into a field, as `page_form.shown` gives it. */
function fill(field, value) {
  const { control, typed, missing } = parts(field);
  if (missing) missing.checked = value === null;
  if (control.type === "checkbox") control.checked = value === true;
  else if (control.tagName === "SELECT" && value !== null) {
    const known = [...control.options].find((option) => !("other" in option.dataset) && option.value === value);
    (known || control.querySelector("[data-other]")).selected = true;
    typed.value = known ? "" : value;
  } else control.value = value === null ? "" : value;
  settle(field);
}

/** Lets a field look as its value is: missing, one that training has not seen, or as any other. */
function settle(field) {
  const { control, typed, missing, hint } = parts(field);
  const off = Boolean(missing && missing.checked);
  control.disabled = off;
  if (typed) {
    typed.disabled = off;
    typed.hidden = !isOther(control);
  }
  const value = off ? null : read(field);
  const { min, max } = field.dataset;
  const outside = typeof value === "number" && min !== undefined && (value < Number(min) || value > Number(max));
  if (field.dataset.kind === "number") hint.classList.toggle("outside", outside);
}

function blame(field, sentence) {
  const { control, wrong } = parts(field);
  wrong.textContent = sentence;
  if (sentence) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

/** The field that an error of the server names, and what it says of it. */
function blamed(fields, sentence) {
  const named = fields
    .map((field) => [field, `row 0, column ${field.dataset.column}: `])
    .filter(([, start]) => sentence.startsWith(start))
    .sort((a, b) => b[1].length - a[1].length)[0];
  return named ? [named[0], sentence.slice(named[1].length)] : null;
}

/** Whether the form can be sent: what is empty is missing, and what is no number is told at once. */
function complete(fields) {
  fields.forEach((field) => blame(field, ""));
  const wrong = fields.find((field) => parts(field).control.validity.badInput);
  if (wrong) {
    blame(wrong, wrong.dataset.kind === "number" ? "this is no number" : "this is no date");
    parts(wrong).control.focus();
    return false;
  }
  for (const field of fields) {
    const { missing } = parts(field);
    if (missing && read(field) === null) missing.checked = true;
    settle(field);
  }
  return true;
}

/* Answers */

function quoted(words) {
  return `'${words.replaceAll("'", "'\\''")}'`;
}

function command(form, path, body) {
  const lines = [`curl ${quoted(location.origin + path)}`, "  -H 'Content-Type: application/json'"];
  if (form.dataset.keys) lines.push('  -H "Authorization: Bearer $EVERMODEL_KEY"');
  lines.push(`  -d ${quoted(body)}`);
  return lines.join(" \\\n");
}

function figure(value) {
  return typeof value === "number" ? String(Number(value.toPrecision(7))) : String(value);
}

function bars(classes, shares, chosen) {
  const list = make("dl", undefined, "bars");
  const most = classes.indexOf(chosen); // with a threshold it need not be the most probable one
  shares.forEach((share, index) => {
    const kind = index === most ? "most" : "";
    const [row, track, filled] = [make("div"), make("dd", undefined, `track ${kind}`), make("i")];
    filled.style.width = `${100 * share}%`;
    track.setAttribute("aria-hidden", "true");
    track.append(filled);
    row.append(make("dt", String(classes[index]), kind), track, make("dd", `${(100 * share).toFixed(1)} %`, `share ${kind}`));
    list.append(row);
  });
  return list;
}

function commandBox(words) {
  const box = make("details", undefined, "command");
  const copy = make("button", "Copy", "quiet");
  copy.type = "button";
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(words);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(box.querySelector("pre"));
    }
  });
  box.append(make("summary", "The same with curl"), copy, make("pre", words));
  return box;
}

function answered(form, answer, asked) {
  const shown = make("div");
  const line = make("p", undefined, "answer");
  line.append(make("small", `${form.dataset.target} `), make("strong", figure(answer.predictions[0])));
  shown.append(line);
  if (answer.probabilities) shown.append(bars(JSON.parse(form.dataset.classes), answer.probabilities[0], answer.predictions[0]));
  shown.append(make("p", `answered by ${answer.model_version} · request ${answer.id}`, "source"), asked);
  return shown;
}

function failed(sentence, id, asked) {
  const shown = make("div", undefined, "failed");
  shown.append(make("p", sentence, "wrong"));
  if (id) shown.append(make("p", `request ${id}`, "source"));
  shown.append(asked);
  return shown;
}

async function predict(form, model) {
  const fields = [...form.querySelectorAll(".field")];
  if (!complete(fields)) return;
  const [output, button] = [form.querySelector("output"), form.querySelector("button[type=submit]")];
  const row = Object.fromEntries(fields.map((field) => [field.dataset.column, read(field)]));
  const path = `/v1/models/${encodeURIComponent(model)}:predict`;
  const body = JSON.stringify({ instances: [row] });
  const asked = commandBox(command(form, path, body));
  button.disabled = true;
  try {
    const response = await fetch(path, { method: "POST", headers: headers({ "Content-Type": "application/json" }), body });
    const answer = await response.json();
    if (response.ok) {
      output.replaceChildren(answered(form, answer, asked));
      return;
    }
    const found = blamed(fields, answer.error);
    output.replaceChildren(failed(answer.error, response.headers.get("Evermodel-Request-Id"), asked));
    if (found) {
      blame(...found);
      parts(found[0]).control.focus();
    }
  } catch (error) {
    output.replaceChildren(failed(`The server cannot be asked: ${error.message}`, "", asked));
  } finally {
    button.disabled = false;
  }
}

function nextExample(form) {
  const { rows, answers } = JSON.parse(form.dataset.examples);
  const next = (Number(form.dataset.at || 0) + 1) % rows.length;
  form.dataset.at = next;
  form.querySelectorAll(".field").forEach((field, index) => {
    blame(field, "");
    fill(field, rows[next][index]);
  });
  form.querySelector("[data-origin]").textContent =
    `Test row ${next + 1} of ${rows.length}; when it was made, it answered ${figure(answers[next])}`;
  form.querySelector("output").replaceChildren();
}

function wireForm(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    predict(form, form.closest("section").dataset.model);
  });
  for (const field of form.querySelectorAll(".field")) {
    field.addEventListener("input", () => {
      blame(field, "");
      settle(field);
    });
    settle(field);
  }
  const next = form.querySelector("[data-next]");
  if (next) next.addEventListener("click", () => nextExample(form));
}

/* Keys: pages that need one are fetched with it and put into the place of this one */

async function openWithKey(path) {
  const response = await fetch(path, { headers: headers({ Accept: "text/html" }) });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  document.title = page.title;
  document.getElementById("main").replaceWith(document.adoptNode(page.getElementById("main")));
  wire();
  return response.ok;
}

async function download(path) {
  const response = await fetch(path, { headers: headers({}) });
  const link = make("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = path.slice(1);
  link.click();
  URL.revokeObjectURL(link.href);
}

function wireUnlock(form) {
  const [field, wrong] = [form.querySelector("input"), form.querySelector(".wrong")];
  field.focus();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    key = field.value.trim();
    try {
      if (!(await openWithKey(location.pathname))) key = "";
    } catch (error) {
      key = "";
      wrong.textContent = `The server cannot be asked with this key: ${error.message}`;
    }
  });
}

function wire() {
  document.querySelectorAll("form[data-classes]").forEach(wireForm);
  document.querySelectorAll("form#unlock").forEach(wireUnlock);
  for (const shown of document.querySelectorAll("[data-command]")) {
    shown.textContent = shown.textContent.replace("http://127.0.0.1:5050", location.origin);
  }
  if (!key) return;
  for (const link of document.querySelectorAll("a[data-page]")) {
    const path = link.dataset.page;
    if (path === "/metrics") continue;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      if (path === "/openapi.json") download(path);
      else openWithKey(path).then(() => history.replaceState(null, "", path));
    });
  }
}

wire();
