// Conversations, kept by this browser only: one entry each, so that two tabs do not disturb each
// other. Whatever else lies in the storage, or has another shape, is left alone and not shown.
const yinzheng = (window.yinzheng ??= {});
const PREFIX = "yinzheng:conversation:1:";
const CURRENT = "yinzheng:current";
const MOST_KEPT = 50;
const MOST_CHARACTERS = 200000;
const ID = /^[0-9a-z]{8,40}$/;
const newId = () => Date.now().toString(36).padStart(9, "0")
  + Math.random().toString(36).slice(2, 10).padEnd(8, "0");
const stored = (storage, key) => {
  try { return window[storage].getItem(key); } catch { return null; }
};
const store = (storage, key, value) => {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, value);
    return true;
  } catch { return false; }
};
let current = stored("sessionStorage", CURRENT);
if (!ID.test(current || "")) current = newId();
const become = (id) => {
  current = id;
  store("sessionStorage", CURRENT, id);
};
become(current);
const isMessage = (one) => one !== null && typeof one === "object"
  && ["user", "assistant"].includes(one.role) && typeof one.text === "string";
const parsed = (id, text) => {
  if (!text || text.length > MOST_CHARACTERS * 2) return null;
  try {
    const { at, messages } = JSON.parse(text);
    const isGood = Number.isFinite(at) && Array.isArray(messages) && messages.length
      && messages.every(isMessage) && messages[0].role === "user";
    return isGood ? { id, at, messages } : null;
  } catch { return null; }
};
const find = (id) => parsed(id, stored("localStorage", PREFIX + id));
const all = () => {
  let keys = [];
  try { keys = Object.keys(localStorage); } catch {}
  return keys
    .filter((key) => key.startsWith(PREFIX) && ID.test(key.slice(PREFIX.length)))
    .map((key) => find(key.slice(PREFIX.length)))
    .filter(Boolean)
    .sort((a, b) => b.at - a.at);
};
// The oldest go when there are too many, or no room is left.
const write = (kept) => {
  const text = JSON.stringify({ at: kept.at, messages: kept.messages });
  for (const old of all().filter((one) => one.id !== kept.id).slice(MOST_KEPT - 1)) {
    store("localStorage", PREFIX + old.id, null);
  }
  while (!store("localStorage", PREFIX + kept.id, text)) {
    const oldest = all().filter((one) => one.id !== kept.id).at(-1);
    if (!oldest) {
      yinzheng.say(yinzheng.word("not_kept"));
      return;
    }
    store("localStorage", PREFIX + oldest.id, null);
  }
};
const toKeep = (history) => {
  let messages = (history || []).map(({ role, content }) => ({ role, text: yinzheng.textOf(content) }));
  if (messages.length && yinzheng.isSearching(messages.at(-1).text)) messages.pop();
  const size = () => JSON.stringify(messages).length;
  // Of a very long one, the newest questions and answers.
  while (messages.length > 2 && size() > MOST_CHARACTERS) {
    const next = messages.findIndex((one, n) => n > 0 && one.role === "user");
    if (next < 0) break;
    messages = messages.slice(next);
  }
  return size() > MOST_CHARACTERS ? [] : messages;
};
yinzheng.keep = ([history]) => {
  keep(history);
  return [yinzheng.thumbs(history)];
};
const keep = (history) => {
  const messages = toKeep(history);
  if (!messages.length || messages[0].role !== "user") return;
  const before = find(current);
  if (before && JSON.stringify(before.messages) === JSON.stringify(messages)) return;
  write({ id: current, at: Date.now(), messages });
};
yinzheng.noAnswer = () => {
  const kept = find(current);
  if (kept?.messages.at(-1).role !== "user") return;
  const text = yinzheng.refusal(yinzheng.word("lost"));
  write({ ...kept, messages: [...kept.messages, { role: "assistant", text }] });
};
// What was being typed when the page was loaded anew.
const DRAFT = "yinzheng:draft";
const questionBox = () => document.querySelector("#question textarea");
addEventListener("pagehide", () => store("sessionStorage", DRAFT, questionBox()?.value || null));
const restoreDraft = () => {
  const draft = stored("sessionStorage", DRAFT);
  const box = questionBox();
  if (!draft || !box || box.value) return;
  box.value = draft;
  box.dispatchEvent(new Event("input", { bubbles: true }));
};
// After an undo; the only time when a conversation may become empty and stay the same.
yinzheng.replace = ([history]) => {
  if (toKeep(history).length) keep(history);
  else store("localStorage", PREFIX + current, null);
};
const closeAll = () => {
  yinzheng.closeReader();
  document.querySelector("#question textarea")?.focus();
};
yinzheng.begin = (_, emptyBox, noSources) => {
  become(newId());
  closeAll();
  return [
    { __type__: "update", ...emptyBox }, [], { __type__: "update", ...noSources }, "",
    { __type__: "update", visible: false },
  ];
};
const undoable = (words, removed) => {
  yinzheng.say(words, () => {
    removed.forEach(write);
    list();
  });
};
yinzheng.forget = (...given) => {
  const removed = find(current);
  store("localStorage", PREFIX + current, null);
  const emptied = yinzheng.begin(...given);
  if (removed) {
    yinzheng.say(yinzheng.word("deleted"), () => {
      write(removed);
      open(removed.id);
    });
  }
  return emptied;
};
yinzheng.loaded = () => {
  restoreDraft();
  const kept = find(current);
  return [{ language: language(), messages: kept ? kept.messages : [] }];
};
const language = () => (
  { "zh-CN": "zh-Hans", "zh-TW": "zh-Hant" }[navigator.language] || "en"
);
yinzheng.lacking = () => [{ language: language() }];
// The server makes questions to begin with once for each state of the index: ask again for them.
yinzheng.lackExamples = () => setTimeout(() => {
  if (!document.querySelector("#chat .example, #chat .message-row")) yinzheng.press("examples");
}, 300);
let opening = [];
const open = (id) => {
  const kept = find(id);
  if (!kept) return;
  become(id);
  opening = kept.messages;
  yinzheng.closeReader();
  yinzheng.press("open");
};
yinzheng.opened = () => [opening];

// The reader's own words, without the escapes.
const plain = (markdown) => {
  const text = markdown.replace(/\\([!-/:-@[-`{-~])/g, "$1");
  return new DOMParser().parseFromString(text, "text/html").body.textContent.trim();
};
const dialog = () => document.getElementById("history");
const button = (text, label, act) => {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
};
const row = (kept) => {
  const title = plain(kept.messages[0].text).slice(0, 200) || yinzheng.word("untitled");
  const item = document.createElement("li");
  const opener = button(title, yinzheng.word("open", title), () => {
    dialog().close();
    if (kept.id !== current) open(kept.id);
  });
  opener.className = "opener";
  const when = document.createElement("time");
  const date = new Date(kept.at);
  when.dateTime = date.toISOString();
  const there = kept.id === current ? ` · ${yinzheng.word("now_open")}` : "";
  when.textContent = date.toLocaleString(
    document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" },
  ) + there;
  const remove = button("✕", yinzheng.word("delete", title), () => removeOne(kept));
  item.append(opener, when, remove);
  return item;
};
const list = () => {
  const kept = all();
  document.getElementById("conversations").replaceChildren(...kept.map(row));
  document.getElementById("none-kept").hidden = kept.length > 0;
  document.querySelector("#history [data-do=delete-all]").disabled = !kept.length;
};
const empty = () => document.getElementById("new")?.click();
const removeOne = (kept) => {
  store("localStorage", PREFIX + kept.id, null);
  if (kept.id === current) empty();
  list();
  undoable(yinzheng.word("deleted"), [kept]);
  dialog().querySelector(".opener, [data-do=close]").focus();
};
const removeAll = () => {
  const removed = all();
  for (const kept of removed) store("localStorage", PREFIX + kept.id, null);
  empty();
  list();
  undoable(yinzheng.word("all_deleted"), removed);
  dialog().querySelector("[data-do=close]").focus();
};

let kind = "markdown";
yinzheng.exporting = ([, history]) => [kind, history];
yinzheng.save = ([file]) => {
  if (!file?.name) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([file.text], { type: `${file.type};charset=utf-8` }));
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  yinzheng.say(yinzheng.word("exported", file.name));
};
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("#show-history, #show-export");
  if (opener) {
    list();
    document.getElementById("deleted").textContent = "";
    dialog().showModal();
    if (opener.id === "show-export") dialog().querySelector("[data-do=export]").focus();
    return;
  }
  // A click beside the dialog is one on the dialog itself.
  if (event.target === dialog()) dialog().close();
  const pressed = event.target.closest?.("#history [data-do]");
  if (!pressed) return;
  if (pressed.dataset.do === "close") dialog().close();
  if (pressed.dataset.do === "delete-all") removeAll();
  if (pressed.dataset.do === "export") {
    kind = pressed.dataset.kind;
    if (document.querySelector("#chat .bot-row")) yinzheng.press("export");
    else yinzheng.say(yinzheng.word("nothing_to_export"));
  }
});
