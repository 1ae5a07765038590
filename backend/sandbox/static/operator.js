// The operator's desk: every change is sent at once; the figures are read every two seconds.
const form = document.getElementById("faults");
const calls = document.getElementById("calls");

function show(state, { fill }) {
  const switches = { ...state.faults, quota_left: state.quota_left ?? "" };
  if (fill) for (const field of form.elements) field.value = switches[field.name];
  const figures = { "stable_token 发出": state.stable_tokens_issued, "token 发出": state.classic_tokens_issued, ...state.calls };
  calls.replaceChildren(...Object.entries(figures).map(([name, count]) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    const cell = document.createElement("td");
    head.textContent = name;
    cell.textContent = count;
    row.append(head, cell);
    return row;
  }));
}

async function ask(method, path, body) {
  const answer = await fetch(path, { method, headers: { "Content-Type": "application/json" }, body });
  return answer.json();
}

form.addEventListener("change", async ({ target }) => {
  if (target.value === "" && target.name !== "quota_left") return;
  // Not filled again: the answer may come while the next field is being typed.
  show(await ask("PUT", "/operator/api/faults", JSON.stringify({ [target.name]: target.value === "" ? null : target.value })), { fill: false });
});
form.addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll("[data-post]")) {
  button.addEventListener("click", async () => {
    show(await ask("POST", button.dataset.post, button.dataset.body ?? "{}"), { fill: true });
  });
}

show(await ask("GET", "/operator/api/state"), { fill: true });
setInterval(async () => show(await ask("GET", "/operator/api/state"), { fill: false }), 2000);
