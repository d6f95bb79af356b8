// What the page's own controls do. Gradio calls these with the values of its parts.
const yinzheng = (window.yinzheng ??= {});
yinzheng.word = (key, ...filled) => {
  const found = document.querySelector(`#script-words [data-word="${key}"]`);
  const text = found ? found.textContent : "";
  return filled.reduce((whole, part) => whole.split("{}").join(part), text);
};
let fading;
yinzheng.say = (text, undo) => {
  const notice = document.getElementById("notice");
  // A dialog hides what is outside of it from whoever listens.
  const dialog = document.querySelector("dialog[open] #deleted");
  const place = dialog || notice;
  if (!place) return;
  clearTimeout(fading);
  place.textContent = text;
  if (undo) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = yinzheng.word("undo");
    button.addEventListener("click", () => {
      place.textContent = "";
      undo();
    });
    place.append(" ", button);
  }
  fading = setTimeout(() => { place.textContent = ""; }, undo ? 20000 : 5000);
};
// Every character that may mean something to Markdown or HTML; the server's escapes are fewer.
yinzheng.escaped = (text) => text
  .replace(/[!-/:-@[-`{-~]/g, (one) => (
    { "&": "&amp;", "<": "&lt;", ">": "&gt;" }[one] || `\\${one}`
  ))
  .replace(/(^|\n)([ \t])/g, (_, start, space) => `${start}&#${space.charCodeAt(0)};`);
const message = (role, text) => (
  { role, metadata: null, options: null, content: [{ type: "text", text }] }
);
yinzheng.textOf = (content) => (Array.isArray(content)
  ? content.map((part) => part?.text ?? "").join("") : String(content ?? ""));
yinzheng.isSearching = (text) => /^\*(Searching|正在检索|正在檢索)…\*$/.test(text);
const isRunning = () => Boolean(document.querySelector("#question .stop-button"));
// Gradio cannot cancel a question before the server has said that it takes it: what would end it
// waits until then.
let sent = 0;
let isStopping = false;
new PerformanceObserver((list) => {
  const isTaken = ({ name, startTime }) => startTime >= sent && name.includes("/queue/join");
  if (list.getEntries().some(isTaken)) setTimeout(() => { sent = 0; }, 50);
}).observe({ type: "resource" });
document.addEventListener("click", (event) => {
  const ending = event.target.closest?.("#question .stop-button, #new, #clear, .opener");
  if (!ending) return;
  if (!sent) {
    isStopping = ending.matches(".stop-button");
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  const again = setInterval(() => {
    if (sent) return;
    clearInterval(again);
    // Gradio may have drawn its button anew meanwhile.
    (ending.isConnected ? ending : document.querySelector("#question .stop-button"))?.click();
  }, 20);
}, true);
const asking = (text, history, runningProps, rest) => {
  const asked = text.trim();
  if (!asked || isRunning()) return [text, history];
  sent = performance.now();
  isStopping = false;
  return [
    { __type__: "update", value: rest, ...runningProps },
    [...(history || []), message("user", yinzheng.escaped(asked))],
  ];
};
yinzheng.send = ([text, history], runningProps) => asking(text, history, runningProps, "");
let picked = "";
yinzheng.sendPicked = ([text, history], runningProps) => {
  const [box, changed] = asking(picked, history, runningProps, text);
  return box.__type__ ? [box, changed] : [text, history];
};
yinzheng.press = (name) => document.getElementById(`do-${name}`)?.click();
// Example and follow-up questions go the way of typed ones, which shows them at once.
document.addEventListener("click", (event) => {
  const offered = event.target.closest?.("#chat .example, #next [data-do=ask]");
  if (!offered) return;
  event.stopImmediatePropagation();
  picked = offered.textContent.trim();
  yinzheng.press("ask");
}, true);
yinzheng.refusal = (reason) => `#### ⚠ ${yinzheng.word("not_answered")}\n\n${reason}`;
yinzheng.idle = (_, idleProps) => ({ __type__: "update", ...idleProps });
// The conversation up to a question without an answer; null when it has one.
const unanswered = (history) => {
  const kept = [...(history || [])];
  if (yinzheng.isSearching(yinzheng.textOf(kept.at(-1)?.content))) kept.pop();
  return kept.at(-1)?.role === "user" ? kept : null;
};
// Gradio tells of a stopped question as of one that failed, sometimes before it tells of the stop.
yinzheng.failed = ([history], idleProps) => {
  sent = 0;
  if (isStopping) return yinzheng.stopped([history], idleProps);
  const kept = unanswered(history);
  const idle = { __type__: "update", ...idleProps };
  if (!kept) return [idle, history];
  const reason = yinzheng.word(navigator.onLine ? "busy" : "lost");
  return [idle, [...kept, message("assistant", yinzheng.refusal(reason))]];
};
yinzheng.stopped = ([history], idleProps) => {
  const kept = unanswered(history);
  const told = message("assistant", `*${yinzheng.word("stopped")}*`);
  return [{ __type__: "update", ...idleProps }, kept ? [...kept, told] : history];
};
// A browser may refuse to keep anything: then nothing is remembered.
yinzheng.strictness = () => {
  let kept;
  try { kept = localStorage.getItem("yinzheng-strictness"); } catch {}
  return ["lenient", "balanced", "strict"].includes(kept) ? kept : "balanced";
};
yinzheng.keepStrictness = ([chosen]) => {
  try { localStorage.setItem("yinzheng-strictness", chosen); } catch {}
};

yinzheng.thank = () => yinzheng.say(yinzheng.word("thanks"));

// navigator.clipboard is missing on pages of plain http.
const copyByCommand = (text) => {
  const holder = document.createElement("textarea");
  const before = document.activeElement;
  holder.value = text;
  holder.className = "scripts-only-visible";
  document.body.append(holder);
  holder.select();
  let done = false;
  try { done = document.execCommand("copy"); } catch {}
  holder.remove();
  before?.focus?.({ preventScroll: true });
  return done;
};
const copy = async (text) => {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    done = copyByCommand(text);
  }
  yinzheng.say(yinzheng.word(done ? "copied" : "not_copied"));
};
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("#panel [data-do=copy]");
  if (button) copy(button.dataset.copy);
});

// The document around a quote.
let asked = {};
const reader = () => document.querySelector("#document [data-read]");
const ask = (request) => {
  asked = { language: document.documentElement.lang, ...request };
  asked.language = { "zh-CN": "zh-Hans", "zh-TW": "zh-Hant" }[asked.language] || "en";
  yinzheng.press("read");
};
yinzheng.read = (at) => ask({ at });
yinzheng.reading = () => [asked];
const setReading = (isReading) => {
  document.getElementById("sources").classList.toggle("is-reading", isReading);
};
yinzheng.readOn = () => {
  setReading(true);
  const { more, anchor } = asked;
  const settle = (tries) => {
    const shown = reader();
    const isThere = shown && (!more || shown.dataset.first !== String(asked.first)
      || shown.dataset.last !== String(asked.last));
    if (!isThere && tries) return void setTimeout(settle, 20, tries - 1);
    const passage = anchor && document.querySelector(`#document [data-passage="${anchor.id}"]`);
    if (passage) {
      document.getElementById("sources").scrollTop +=
        passage.getBoundingClientRect().top - anchor.top;
      const button = document.querySelector(`#document [data-more="${more}"]`);
      (button || document.querySelector("#reader h2")).focus({ preventScroll: true });
    } else {
      yinzheng.show(document.getElementById("read-mark") || shown);
    }
  };
  settle(100);
};
yinzheng.closeReader = () => setReading(false);
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("#sources [data-do]");
  if (!button) return;
  if (button.dataset.do === "read") yinzheng.read(button.dataset.at);
  if (button.dataset.do === "close-reader") {
    setReading(false);
    const at = CSS.escape(asked.at || "");
    document.querySelector(`#panel [data-at="${at}"]`)?.focus();
  }
  if (button.dataset.do === "more") {
    const shown = reader();
    const passages = [...shown.querySelectorAll(".passage")];
    const more = button.dataset.more;
    const kept = more === "earlier" ? passages[0] : passages.at(-1);
    ask({
      at: shown.dataset.read,
      first: Number(shown.dataset.first),
      last: Number(shown.dataset.last),
      more,
      anchor: { id: kept.dataset.passage, top: kept.getBoundingClientRect().top },
    });
  }
});
