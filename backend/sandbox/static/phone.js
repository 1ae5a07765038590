// The citizen's phone: reads its messages every second and shows what is new on top.
const POLL_MS = 1000;
const screenElement = document.querySelector(".screen");
const person = screenElement.dataset.person;
const list = document.getElementById("messages");
const followButton = document.getElementById("follow");
const accountState = document.getElementById("account-state");
const template = document.getElementById("card");

let filter = "all";
let shown = "";

const clockText = new Intl.DateTimeFormat("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "Asia/Shanghai" });
const dayText = new Intl.DateTimeFormat("zh-CN", { month: "long", day: "numeric", timeZone: "Asia/Shanghai" });

function when(seconds, now) {
  const at = new Date(seconds * 1000);
  const sameDay = dayText.format(at) === dayText.format(new Date(now * 1000));
  return sameDay ? clockText.format(at) : `${dayText.format(at)} ${clockText.format(at)}`;
}

function draw(message, now, isNew) {
  const node = template.content.cloneNode(true);
  const article = node.querySelector("article");
  article.dataset.id = message.id;
  article.dataset.kind = message.kind;
  article.classList.toggle("is-new", isNew);
  node.querySelector(".when").textContent = when(message.sent_at, now);
  node.querySelector(".tag").textContent = message.kind === "sms" ? "短信" : message.sender;
  node.querySelector("h3").textContent = message.kind === "sms" ? message.sender : message.title;
  const fields = node.querySelector("dl");
  for (const { label, value } of message.fields) {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const detail = document.createElement("dd");
    term.textContent = label;
    detail.textContent = value;
    row.append(term, detail);
    fields.append(row);
  }
  const text = node.querySelector(".text");
  // Answers of the account hold links and nothing else; what is not a link is text.
  for (const part of message.text.split(/(<a href="https?:[^"]*">[^<]*<\/a>)/)) {
    const found = /^<a href="([^"]*)">([^<]*)<\/a>$/.exec(part);
    if (found) text.append(Object.assign(document.createElement("a"), { href: found[1], textContent: found[2], target: "_blank", rel: "noopener" }));
    else text.append(part);
  }
  text.hidden = !message.text;
  const link = node.querySelector(".more");
  link.hidden = !/^https?:/.test(message.url);
  if (!link.hidden) link.href = message.url;
  return node;
}

function empty() {
  const note = document.createElement("p");
  note.className = "empty";
  note.textContent = "还没有消息。预约成功后，通知会出现在这里。";
  return note;
}

function show(state) {
  document.getElementById("clock").textContent = clockText.format(new Date(state.now * 1000));
  followButton.setAttribute("aria-pressed", String(state.following));
  followButton.textContent = state.following ? "已关注" : "关注";
  accountState.textContent = state.following ? "已关注“微政务”公众号" : "没有关注公众号，收不到微信通知";
  const wanted = state.messages.filter((message) => filter === "all" || (message.kind === "sms") === (filter === "sms"));
  const key = `${filter}:${wanted.map((message) => message.id).join()}`;
  if (key === shown) return;
  const before = new Set([...list.querySelectorAll("[data-id]")].map((node) => Number(node.dataset.id)));
  const first = shown === "";
  shown = key;
  list.replaceChildren(...(wanted.length ? wanted.map((message) => draw(message, state.now, !first && !before.has(message.id))) : [empty()]));
}

async function refresh() {
  try {
    const answer = await fetch(`/phone/api/messages?person=${person}`, { cache: "no-store" });
    if (answer.ok) show(await answer.json());
  } catch {
    accountState.textContent = "沙箱没有答复，正在重试…";
  }
}

followButton.addEventListener("click", async () => {
  const following = followButton.getAttribute("aria-pressed") !== "true";
  await fetch("/phone/api/follow", { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ person, following }) });
  await refresh();
});

document.getElementById("write").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  await fetch("/phone/api/account", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ person, words: form.get("words"), kind: form.get("kind") }) });
  event.target.elements.words.value = "";
  await refresh();
});

document.getElementById("clear").addEventListener("click", async () => {
  await fetch(`/phone/api/messages?person=${person}`, { method: "DELETE" });
  await refresh();
});

for (const tab of document.querySelectorAll("[data-filter]")) {
  tab.addEventListener("click", () => {
    filter = tab.dataset.filter;
    for (const other of document.querySelectorAll("[data-filter]")) other.setAttribute("aria-pressed", String(other === tab));
    refresh();
  });
}

(async function poll() {
  await refresh();
  setTimeout(poll, document.hidden ? POLL_MS * 5 : POLL_MS);
})();
