// What a page can do better with a script: copy an example, and show how far a file has come. All works without it.
"use strict";

for (const block of document.querySelectorAll(".code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy the ${block.querySelector("h3").textContent} example`);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("pre").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  if (navigator.clipboard) block.append(button);
}

const form = document.getElementById("batch");
if (form) form.addEventListener("submit", (event) => {
  if (!form.elements.file.files.length) return; // the browser says so itself
  event.preventDefault();
  send(form);
});

function send(form) {
  const [button, progress, bar, doing, done] = ["button", "#progress", "#bar", "#doing", "#done"].map((name) => form.querySelector(name));
  const summary = document.getElementById("summary");
  const asked = new XMLHttpRequest();
  let seen = 0; // characters of the answer that were looked at
  let lines = -1; // the first is the header

  function show(text, share) {
    doing.textContent = text;
    bar.value = share;
  }
  function finish(ok) {
    button.disabled = false;
    progress.hidden = true;
    if (ok) return;
    document.getElementById("problem").textContent = problemOf(asked);
    summary.hidden = false;
    summary.focus();
  }

  summary.hidden = true;
  done.textContent = "";
  progress.hidden = false;
  button.disabled = true;
  show("Sending", 0);
  asked.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) show("Sending", 0.5 * event.loaded / event.total);
  });
  asked.addEventListener("progress", () => {
    const rows = Number(asked.getResponseHeader("X-Rows"));
    if (asked.status !== 200 || !rows) return;
    for (let at = asked.responseText.indexOf("\r\n", seen); at >= 0; at = asked.responseText.indexOf("\r\n", seen)) {
      lines += 1;
      seen = at + 2;
    }
    show(`Scored ${Math.max(lines, 0).toLocaleString("en")} of ${rows.toLocaleString("en")} rows`, 0.5 + 0.5 * lines / rows);
  });
  asked.addEventListener("error", () => finish(false));
  asked.addEventListener("load", () => {
    const whole = asked.status === 200 && lines === Number(asked.getResponseHeader("X-Rows"));
    finish(whole);
    if (!whole) return;
    const link = document.createElement("a");
    link.className = "button";
    link.download = form.elements.file.files[0].name.replace(/(\.\w+)?$/, "-scores.csv");
    link.href = URL.createObjectURL(new Blob([asked.responseText], { type: "text/csv" }));
    link.textContent = "Download the scores";
    done.append(`${lines.toLocaleString("en")} rows are done.`, link);
    link.focus();
  });
  asked.open("POST", form.action);
  asked.setRequestHeader("Accept", "application/problem+json, text/csv");
  asked.send(new FormData(form));
}

function problemOf(asked) {
  try {
    return JSON.parse(asked.responseText).detail;
  } catch {
    return "The service could not be reached, or its answer broke off. Try again.";
  }
}
