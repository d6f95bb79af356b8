// What the reader thinks of answers. This browser remembers it, by question and answer: for showing
// it again, and for changing one's mind instead of being counted twice.
const yinzheng = (window.yinzheng ??= {});
const KEY = "yinzheng:judged:1";
const MOST = 500;
// Not for secrets: to recognise a question with its answer. FNV-1a of 32 bits, from both ends.
const fnv = (units) => units.reduce((hash, unit) => Math.imul(hash ^ unit, 16777619), 0x811c9dc5);
const digest = (text) => {
  const units = Uint16Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  return [fnv(units), fnv(units.reverse())].map((hash) => (hash >>> 0).toString(16)).join("-");
};
const isJudgement = (one) => Array.isArray(one) && Number.isSafeInteger(one[0]) && one[0] >= 0
  && typeof one[1] === "boolean";
const known = () => {
  try {
    const all = JSON.parse(localStorage.getItem(KEY));
    return all && typeof all === "object" && !Array.isArray(all) ? all : {};
  } catch { return {}; }
};
// By message; questions have none.
const keysOf = (history) => {
  let question = "";
  return (history || []).map(({ role, content }) => {
    const text = yinzheng.textOf(content);
    if (role === "user") question = text;
    return role === "user" ? null : digest(`${question}\n${text}`);
  });
};
const judgementsOf = (history) => {
  const all = known();
  return keysOf(history).map((key) => (
    key && Object.hasOwn(all, key) && isJudgement(all[key]) ? all[key] : null
  ));
};
// What Gradio wants to know: a word for each answer.
yinzheng.thumbs = (history) => {
  const judgements = judgementsOf(history);
  const words = judgements.map((one) => (one ? (one[1] ? "Like" : "Dislike") : null));
  return {
    __type__: "update",
    feedback_value: words.filter((_, n) => history[n].role !== "user"),
  };
};
yinzheng.judging = ([history]) => (
  [history, judgementsOf(history).map((one) => (one ? one[0] : null))]
);
let last = null;
yinzheng.judged = ([history, now]) => {
  const key = keysOf(history)[now?.place];
  last = now?.id ?? null;
  if (key) {
    const { [key]: _, ...others } = known();
    const kept = Object.entries(others).slice(1 - MOST);
    if (last !== null) kept.push([key, [last, now.liked]]);
    try { localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(kept))); } catch {}
  }
  return [yinzheng.thumbs(history)];
};
yinzheng.commenting = ([text]) => [text, last];
