const yinzheng = (window.yinzheng ??= {});
const show = (target) => {
  if (!target) return;
  for (let d = target.closest("details"); d; d = d.parentElement.closest("details")) {
    d.open = true;
  }
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  target.scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
  target.focus({ preventScroll: true });
};
yinzheng.show = show;
const turn = (address) => document.querySelector(`.turn[data-turn="${address.split("-")[1]}"]`);
const cited = '#chat a[href^="#cite-"], #chat a[href^="#near-"]';
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (!link) return;
  event.preventDefault();  // the page has a base address: following the link would reload it
  const address = link.getAttribute("href").slice(1);
  if (address.startsWith("back-")) {
    show(document.querySelector(`#chat a[href="#${CSS.escape(address.slice(5))}"]`));
    return;
  }
  yinzheng.closeReader();
  const mark = document.getElementById(address + "-m");
  // Of long conversations the panel has the newest turns; the document has every quote.
  if (mark) show(mark);
  else if (turn(address)) show(turn(address).querySelector(".gone"));
  else yinzheng.read(address);
});
// Enter that ends the composing of a Chinese word is not for the page.
for (const kind of ["keypress", "keydown"]) {
  document.addEventListener(kind, (event) => {
    if (event.isComposing && event.key === "Enter") event.stopImmediatePropagation();
  }, true);
}
// Gradio gives the group no name, each choice a group of its own, and no way to explain one.
const explain = () => {
  const choices = document.querySelectorAll("#strictness input:not([aria-describedby])");
  for (const choice of choices) {
    const group = choice.closest("fieldset");
    group.setAttribute("role", "radiogroup");
    group.setAttribute("aria-label", group.querySelector("[data-testid=block-info]").innerText);
    choice.name = "strictness";
    choice.setAttribute("aria-describedby", `hint-${choice.value}`);
  }
  // The label of a message would be its Markdown, with the addresses of its links.
  for (const message of document.querySelectorAll("#chat [data-testid][aria-label]")) {
    message.removeAttribute("aria-label");
  }
};
// Headings of messages stand under the page's own; and buttons are no items of a list.
const order = () => {
  for (const heading of document.querySelectorAll("#chat :is(h3, h4):not([aria-level])")) {
    heading.setAttribute("aria-level", heading.matches("h3 ~ h4") ? "3" : "2");
  }
  for (const list of document.querySelectorAll("#chat .examples[role=list]")) {
    list.setAttribute("role", "group");
    list.setAttribute("aria-label", yinzheng.word("examples"));
  }
};
// Messages are Markdown, which cannot name a language: the sources lend them theirs.
const lend = () => {
  const rows = [...document.querySelectorAll("#chat .message-row")];
  for (const link of document.querySelectorAll(cited)) {
    const mark = document.getElementById(link.getAttribute("href").slice(1) + "-m");
    if (!mark) continue;
    const reply = link.closest(".message-row");
    const asked = rows[rows.indexOf(reply) - 1];
    const language = mark.closest(".turn").lang;
    for (const [element, its] of [
      [link.closest("blockquote"), mark.lang || language], [reply, language], [asked, language],
    ]) {
      if (element && element.lang !== its) element.lang = its;
    }
  }
};
// Nor can they mark words, except with tags that would be copied: the sources lend their marks.
// Space is not counted, as the chat may set it otherwise.
const solid = (text) => text.replace(/\s/g, "");
const characters = (element) => {
  const found = [];
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    for (let at = 0; at < node.length; at += 1) {
      if (solid(node.data[at])) found.push([node, at]);
    }
  }
  return found;
};
const decisive = (quote, mark) => {
  if (!quote || !solid(quote.textContent).startsWith(solid(mark.textContent))) return [];
  const places = characters(quote);
  let end = 0;
  return [...mark.childNodes].flatMap((piece) => {
    const start = end;
    end += solid(piece.textContent).length;
    if (piece.nodeName !== "B" || start === end) return [];
    const range = new Range();
    range.setStart(...places[start]);
    range.setEnd(places[end - 1][0], places[end - 1][1] + 1);
    return [range];
  });
};
const lendMarks = () => {
  if (!CSS.highlights) return;
  const ranges = [...document.querySelectorAll(cited)].flatMap((link) => {
    const mark = document.getElementById(link.getAttribute("href").slice(1) + "-m");
    return mark ? decisive(link.closest("blockquote"), mark) : [];
  });
  CSS.highlights.set("decisive", new Highlight(...ranges));
};
// What Gradio itself says, in English or beside the point: attribute or text → key of our words.
const LEFTOVERS = {
  "chatbot conversation": "conversation",
  "Copy message": "copy_message",
  "Copied message": "copied_message",
  "Like": "like",
  "Dislike": "dislike",
  "Liked": "liked",
  "Disliked": "disliked",
  "Clear": "clear_box",
  "Loading response": "loading",
  "Loading content": "loading",
  "Scroll down": "scroll_down",
  "Scroll to bottom": "scroll_down",
  "More tabs": "more_tabs",
  "not_judged": "not_judged",
  "Close": "close",
  "Error": "error",
  "Warning": "notice",
  "Info": "notice",
  "Success": "notice",
  "Connection Lost": "notice",
  "Connection to the server was lost. Attempting reconnection...": "reconnecting",
  "Connection errored out.": "lost",
  "This application is currently busy. Please try again.": "busy",
};
// A lost connection ends no event, and stops all others: whoever waits for an answer is told here.
// When the server is there again, Gradio loads the page anew, with what was kept.
const giveUp = (text) => {
  if (!text.data.startsWith("Connection to the server was lost")) return;
  yinzheng.say(yinzheng.word("lost"));
  yinzheng.noAnswer();
};
const translateToasts = () => {
  for (const toast of document.querySelectorAll("[data-testid=toast-body]")) {
    const walker = document.createTreeWalker(toast, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const ours = translated(walker.currentNode.data);
      if (!ours) continue;
      giveUp(walker.currentNode);
      walker.currentNode.data = ours;
    }
  }
};
const translated = (text) => {
  const key = LEFTOVERS[text.trim()];
  return key ? yinzheng.word(key) : "";
};
const translate = () => {
  for (const element of document.querySelectorAll("[aria-label], [title], [alt]")) {
    for (const name of ["aria-label", "title", "alt"]) {
      const ours = translated(element.getAttribute(name) || "");
      if (ours) element.setAttribute(name, ours);
    }
  }
  // It reads "Select example 1: …"; what the button says is enough.
  for (const example of document.querySelectorAll("#chat .example[aria-label]")) {
    example.removeAttribute("aria-label");
  }
  for (const element of document.querySelectorAll(".sr-only")) {
    const ours = element.childElementCount ? "" : translated(element.textContent);
    if (ours) element.textContent = ours;
  }
};
new MutationObserver(() => {
  explain();
  order();
  translate();
  translateToasts();
  lend();
  lendMarks();
}).observe(document, { childList: true, subtree: true });
