// The documents tab. What comes from the server is put into the page as text, never as HTML.
const api = (path) => `${location.pathname.replace(/\/?$/, "/")}api/v1/${path}`;
const SHOWN = 200;  // documents asked for at a time
const REPORTED = 300;  // files shown in the report
const state = { room: null, library: null, change: null, seen: "", chosen: new Set(), due: 0,
  lost: false, reasons: [] };

const word = (name, ...values) => {
  const text = state.room.dataset[name] ?? name;
  return text.replace(/%([1-9])/g, (whole, n) => values[n - 1] ?? whole);
};
// A tag, its attributes (functions are listeners), what is in it.
const make = (tag, attributes = {}, ...inside) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...inside.filter((one) => one != null && one !== ""));
  return element;
};
const part = (name) => state.room.querySelector(`[data-part="${name}"]`);
// What the index says is English; the reasons it gives most are known in the reader's language.
const inOurWords = (said) => {
  for (const [pattern, words] of state.reasons) {
    const found = new RegExp(`^(?:${pattern})$`).exec(said);
    if (found) return words.replace(/%([1-9])/g, (_, n) => found[n] ?? "");
  }
  return "";
};
// A reason may begin with the file's name, and end with what became of what was known of it.
const KEPT = /^(.+) (What the index held of it is kept\.)$/;
const translated = (said, name) => {
  const whole = inOurWords(said);
  if (whole) return whole;
  const pair = KEPT.exec(said);
  if (pair) {
    const parts = [translated(pair[1], name), inOurWords(pair[2])];
    return parts.every(Boolean) ? parts.join("") : "";
  }
  for (let at = said.indexOf(": "); at > 0; at = said.indexOf(": ", at + 1)) {
    const before = said.slice(0, at).replace(/ is not taken$/, "");
    const why = inOurWords(said.slice(at + 2));
    if (why) return before === name ? why : `${inOurWords(before) || `\u2068${before}\u2069`}：${why}`;
  }
  return "";
};
const reason = (tag, attributes, said, name, before = "") => {
  const ours = translated(said, name);
  return make(tag, { ...attributes, lang: ours ? state.room.lang : "en" }, before + (ours || said));
};
const number = (n) => Number(n).toLocaleString(state.room.lang);
const time = (text) => text
  ? new Date(text).toLocaleString(state.room.lang, { dateStyle: "medium", timeStyle: "short" })
  : "–";
const size = (bytes) => `${number(Math.floor(bytes / (1 << 20)))} MB`;

// ---- asking the server ----

const problem = (status, detail) => {
  const known = state.room.dataset[`refused_${status}`];
  const said = status === 0 ? word("unreachable") : known || word("refused");
  part("problem").replaceChildren(
    make("strong", {}, said),
    detail ? reason("span", {}, detail, "", " ") : "",
  );
  part("problem").hidden = false;
  state.lost = status === 0;
};
const ask = async (method, path, body) => {
  let response;
  try {
    response = await fetch(api(path), {
      method,
      headers: body ? { "content-type": "application/json" } : {},
      body: body && JSON.stringify(body),
    });
  } catch {
    problem(0);
    return null;
  }
  if (state.lost) part("problem").hidden = true;
  state.lost = false;
  const told = await response.json().catch(() => null);
  if (!response.ok) {
    problem(response.status, typeof told?.detail === "string" ? told.detail : "");
    return null;
  }
  return told;
};
const begin = async (method, path, body) => {
  part("problem").hidden = true;
  const told = await ask(method, path, body);
  if (told) showChange("change" in told ? told.change : told);
  state.due = 0;
};

// ---- the list ----

const remarks = (document) => {
  const found = [];
  const add = (name, count, kind = "") => {
    if (count) found.push(make("li", { class: kind }, word(name, number(count))));
  };
  add("missing", document.missing, "alarm");
  add("garbled", document.garbled, "alarm");
  add("duplicates", document.duplicates);
  add("dropped", document.dropped);
  add("uploaded", document.uploaded);
  const notes = document.notes.map((note) => reason("p", {}, note, document.name));
  return make("td", {},
    found.length ? make("ul", {}, ...found) : "",
    notes.length ? make("details", {}, make("summary", {}, word("notes")), ...notes) : "",
  );
};
const row = (document) => {
  const box = make("input", {
    type: "checkbox",
    "aria-label": word("choose", document.name),
    change: () => {
      if (box.checked) state.chosen.add(document.id);
      else state.chosen.delete(document.id);
      showChosen();
    },
  });
  box.checked = state.chosen.has(document.id);
  const lang = document.script || null;
  const hasTitle = document.title && !document.name.startsWith(document.title);
  const kind = make("span", {}, document.kind);
  return make("tr", {},
    state.library.may_change ? make("td", { class: "box" }, box) : "",
    make("th", { scope: "row", title: document.path },
      make("bdi", { lang }, document.name),
      hasTitle ? make("bdi", { class: "title", lang }, document.title) : "",
      make("span", { class: "narrow" },
        `${document.kind} · ${word("paragraphs")} ${number(document.paragraphs)} · `
        + time(document.indexed)),
    ),
    make("td", { class: "wide" }, kind),
    make("td", { class: "wide count" }, number(document.paragraphs)),
    make("td", { class: "wide" }, time(document.indexed)),
    remarks(document),
  );
};
const showList = () => {
  const { documents, total, matching, may_change: mayChange } = state.library;
  const searched = part("search").value.trim() !== "";
  part("count").textContent = searched
    ? word("matching", number(matching), number(total)) : word("count", number(total));
  part("rows").replaceChildren(...documents.map(row));
  part("empty").hidden = matching > 0;
  part("more").hidden = documents.length >= matching;
  part("all").hidden = !mayChange;
  part("warning").hidden = !state.library.warning;
  showChosen();
};
const load = async (more = false) => {
  const offset = more ? state.library.documents.length : 0;
  const search = part("search").value;
  const query = new URLSearchParams({ search, offset, limit: SHOWN });
  const library = await ask("GET", `library?${query}`);
  if (!library || part("search").value !== search) return;
  if (more) library.documents.unshift(...state.library.documents);
  const mayChange = state.library?.may_change;
  state.library = library;
  if (mayChange !== library.may_change) showTools();
  if (!search && library.documents.length === library.total) {
    const ids = new Set(library.documents.map((one) => one.id));
    state.chosen = new Set([...state.chosen].filter((id) => ids.has(id)));
  }
  showList();
  if (library.may_change) loadGenerations();
};

// ---- what may be done ----

const send = (files) => {
  if (!files.length) return;
  part("problem").hidden = true;
  const { files: most, bytes_each: each } = state.library.limits;
  const large = [...files].find((file) => file.size > each);
  if (files.length > most || large) {
    problem(413, large ? large.name : "");
    return;
  }
  const form = new FormData();
  for (const file of files) form.append("files", file, file.name);
  const request = new XMLHttpRequest();
  const said = (text) => { part("sending").textContent = text; };
  request.upload.addEventListener("progress", (event) => {
    const share = Math.floor((100 * event.loaded) / event.total);
    said(share < 100 ? word("uploading", share) : word("checking"));
  });
  request.addEventListener("load", () => {
    said("");
    let told = null;
    try { told = JSON.parse(request.responseText); } catch { /* no JSON: no detail */ }
    if (request.status === 202) showChange(told);
    else problem(request.status, typeof told?.detail === "string" ? told.detail : "");
    state.due = 0;
  });
  request.addEventListener("error", () => { said(""); problem(0); });
  request.open("POST", api("documents"));
  request.send(form);
  said(word("uploading", 0));
};
const sure = (question, yes) => new Promise((resolve) => {
  const close = (answer) => () => { dialog.close(); dialog.remove(); resolve(answer); };
  const dialog = make("dialog", { "aria-labelledby": "documents-sure", cancel: close(false) },
    make("p", { id: "documents-sure" }, question),
    make("div", { class: "buttons" },
      make("button", { type: "button", click: close(false), autofocus: true }, word("no")),
      make("button", { type: "button", class: "alarm", click: close(true) }, yes),
    ),
  );
  state.room.append(dialog);
  dialog.showModal();
});
const tool = (name, hint, click) => make("span", { class: "tool" },
  make("button", {
    type: "button", "data-tool": name, click, "aria-describedby": hint && `documents-${hint}`,
  }, word(name)),
  hint ? make("small", { id: `documents-${hint}` }, word(hint)) : "",
);
const showTools = () => {
  const { may_change: mayChange, limits } = state.library;
  if (!mayChange) {
    part("tools").replaceChildren();
    part("generations").hidden = true;
    return;
  }
  const input = make("input", {
    type: "file", multiple: true, change: () => { send(input.files); input.value = ""; },
  });
  const over = (is) => (event) => {
    event.preventDefault();
    drop.classList.toggle("over", is);
  };
  const drop = make("label", {
    class: "drop",
    dragenter: over(true),
    dragover: over(true),
    dragleave: over(false),
    drop: (event) => { over(false)(event); send(event.dataTransfer.files); },
  },
  make("strong", {}, word("add")),
  make("span", {}, word("drop")),
  input,
  make("small", {}, word("limits", limits.files, size(limits.bytes_each))),
  );
  part("tools").replaceChildren(
    drop,
    make("p", { "data-part": "sending", role: "status" }),
    make("div", { class: "buttons" },
      tool("update", "update_hint", () => begin("POST", "update")),
      tool("rebuild", "rebuild_hint", () => begin("POST", "rebuild")),
      tool("update_chosen", "", () => (
        begin("POST", "update", { documents: [...state.chosen] }))),
      tool("remove_none", "", async () => {
        const documents = [...state.chosen];
        if (await sure(word("sure_remove", number(documents.length)), word("yes_remove"))) {
          begin("POST", "remove", { documents });
        }
      }),
    ),
  );
};
const showChosen = () => {
  const count = state.chosen.size;
  const busy = state.change?.state === "running";
  const all = state.room.querySelectorAll("[data-part=rows] input");
  part("all").querySelector("input").checked = all.length > 0
    && [...all].every((box) => box.checked);
  for (const button of state.room.querySelectorAll("[data-tool]")) {
    const ofChosen = ["remove_none", "update_chosen"].includes(button.dataset.tool);
    button.disabled = busy || (ofChosen && count === 0);
    if (button.dataset.tool === "remove_none") {
      button.textContent = count ? word("remove", number(count)) : word("remove_none");
    } else if (button.dataset.tool === "update_chosen") {
      button.textContent = word("update_chosen", number(count));
      button.parentElement.hidden = count === 0;
    }
  }
  for (const input of state.room.querySelectorAll(".drop input")) input.disabled = busy;
};
const loadGenerations = async () => {
  const found = await ask("GET", "generations");
  if (!found) return;
  const back = (one) => async () => {
    const question = word("sure_rollback", time(one.created), number(one.documents));
    if (await sure(question, word("yes_rollback"))) {
      begin("POST", "rollback", { generation: one.name });
    }
  };
  const last = (one) => {
    if (one.in_use) return word("in_use");
    if (one.problem) return word("damaged");
    return make("button", { type: "button", "data-tool": "rollback", click: back(one) },
      word("rollback"));
  };
  part("generation-rows").replaceChildren(...found.map((one) => make("tr", {},
    make("th", { scope: "row" }, time(one.created)),
    make("td", { class: "count" }, number(one.documents)),
    make("td", { class: "count" }, number(one.paragraphs)),
    make("td", {}, last(one)),
  )));
  part("generations").hidden = found.length < 2;
  showChosen();
};

// ---- a change of the index ----

const reached = (change) => {
  const said = [];
  for (const name of ["files", "paragraphs"]) {
    const count = change[name];
    if (count) said.push(word(`${name}_done`, number(count.done), number(count.total)));
  }
  return said.join(" · ");
};
const left = (seconds) => {
  if (seconds == null) return "";
  if (seconds < 90) return word("seconds_left", number(Math.max(1, Math.round(seconds))));
  return word("minutes_left", number(Math.round(seconds / 60)));
};
const stageCount = (change) => (
  { read: change.files, embed: change.paragraphs }
)[change.stage];
const outcome = (change) => {
  if (change.state === "done") {
    if (!change.report || change.report.is_new) return word("done");
    return word(change.report.files.some((file) => file.status === "failed") ? "unread" : "same");
  }
  if (change.state === "cancelled") {
    const at = reached(change);
    return at ? word("cancelled_at", at) : word("cancelled");
  }
  return word("failed");
};
const showRunning = (change) => {
  const box = part("change");
  if (box.dataset.shown !== change.id) {
    box.dataset.shown = change.id;
    const by = change.started_by;
    box.replaceChildren(
      make("h2", {}, word(`doing_${change.kind}`),
        by ? make("bdi", {}, ` ${word("by", by)}`) : ""),
      make("progress", { "data-part": "bar", "aria-label": word(`doing_${change.kind}`) }),
      make("p", { "data-part": "reached" }),
      make("p", { class: "quiet" }, word("meanwhile")),
      state.library?.may_change ? make("button", {
        type: "button", "data-part": "cancel", click: () => begin("DELETE", "changes/current"),
      }, word("cancel")) : "",
    );
  }
  const count = stageCount(change);
  if (count?.total) {
    part("bar").max = count.total;
    part("bar").value = count.done;
  } else {
    part("bar").removeAttribute("value");
  }
  const stage = word(`stage_${change.stage.replace(" ", "_")}`);
  part("reached").textContent = [stage, reached(change), left(change.seconds_left)]
    .filter(Boolean).join(" · ");
  part("status").textContent = `${word(`doing_${change.kind}`)}: ${stage}`;
  if (part("cancel")) {
    part("cancel").disabled = change.cancelling;
    part("cancel").textContent = word(change.cancelling ? "cancelling" : "cancel");
  }
};
const showEnded = (change) => {
  const box = part("change");
  box.dataset.shown = "";
  const said = outcome(change);
  box.replaceChildren(
    make("p", { class: change.state }, make("strong", {}, said)),
    change.state === "failed" && change.message
      ? make("p", { lang: "en", class: "quiet" }, change.message) : "",
    make("p", { class: "quiet" },
      word("ended", time(change.finished), number(Math.round(change.seconds)))),
    change.report ? report(change.report) : "",
  );
  part("status").textContent = said;
};
const report = (told) => {
  const dull = (file) => file.status === "unchanged" || file.status === "passed over";
  const shown = told.files.filter((file) => !dull(file)).slice(0, REPORTED);
  const status = (name) => word(`is_${name.replace(" ", "_")}`);
  const counted = Object.entries(told.totals.files)
    .map(([name, count]) => `${status(name)} ${number(count)}`).join(", ");
  const head = ["file", "outcome", "kept", "merged", "left_out", "repeated", "why"];
  const counts = new Set([head[2], head[3], head[5]]);
  const dropped = (file) => Object.entries(file.dropped)
    .map(([why, count]) => reason("li", {}, why, "", `${number(count)}: `));
  const name = (file) => file.path.split(/[\\/]/).pop();
  const reasons = (file) => [file.reason, ...file.notes].filter(Boolean)
    .map((said) => reason("li", {}, said, name(file)));
  const line = (file) => make("tr", { class: file.status === "failed" ? "alarm" : null },
    make("th", { scope: "row", title: file.path },
      make("bdi", {}, name(file))),
    make("td", { class: "outcome" }, status(file.status)),
    make("td", { class: "count" }, number(file.paragraphs_kept)),
    make("td", { class: "count" }, number(file.lines_merged)),
    make("td", {}, make("ul", {}, ...dropped(file))),
    make("td", { class: "count" }, number(file.duplicates)),
    make("td", {}, make("ul", {}, ...reasons(file))),
  );
  const rest = told.files.length - shown.length;
  return make("details", { open: shown.length > 0 && shown.length <= 20 },
    make("summary", {}, word("report")),
    make("p", {}, word("totals", counted, number(told.totals.paragraphs_kept))),
    make("ul", {}, ...told.notes.map((note) => make("li", { lang: "en" }, note))),
    shown.length ? make("div", {
      class: "scroll", tabindex: 0, role: "region", "aria-label": word("report"),
    }, make("table", {},
      make("thead", {}, make("tr", {},
        ...head.map((name) => make("th", { scope: "col", class: counts.has(name) && "count" },
          word(name))))),
      make("tbody", {}, ...shown.map(line)),
    )) : "",
    rest ? make("p", { class: "quiet" }, word("more_files", number(rest))) : "",
  );
};
const showChange = (change) => {
  const before = state.change;
  state.change = change;
  part("change").hidden = !change;
  if (!change) return;
  const now = `${change.id} ${change.state} ${Boolean(change.report)}`;
  if (change.state === "running") showRunning(change);
  else if (now !== state.seen) showEnded(change);
  if (now !== state.seen) {
    showChosen();
    // A change that ended while somebody looked on has made another list.
    if (change.state !== "running" && before) load();
  }
  state.seen = now;
};

// ---- the frame, and looking again ----

const build = (room) => {
  const column = (name, kind) => make("th", { scope: "col", class: kind }, word(name));
  const search = make("input", { type: "search", "data-part": "search", input: () => {
    clearTimeout(state.typing);
    state.typing = setTimeout(load, 250);
  } });
  const all = make("input", { type: "checkbox", "aria-label": word("choose_all"), change: () => {
    for (const box of state.room.querySelectorAll("[data-part=rows] input")) {
      if (box.checked !== all.checked) box.click();
    }
  } });
  room.replaceChildren(
    make("p", { "data-part": "status", role: "status", class: "unseen" }),
    make("p", { "data-part": "problem", role: "alert", hidden: true }),
    make("p", { "data-part": "warning", class: "alarm", hidden: true }, word("warning")),
    make("section", { "data-part": "change", hidden: true }),
    make("section", { "data-part": "tools" }),
    make("section", {},
      make("div", { class: "find" },
        make("label", {}, make("span", {}, word("filter")), search),
        make("span", { "data-part": "count", role: "status" }),
      ),
      make("div", {
        class: "scroll", tabindex: 0, role: "region", "aria-label": word("documents"),
      }, make("table", {},
        make("thead", {}, make("tr", {},
          make("th", { scope: "col", class: "box", "data-part": "all", hidden: true }, all),
          column("name"), column("kind", "wide"), column("paragraphs", "wide count"),
          column("indexed", "wide"), column("remarks"),
        )),
        make("tbody", { "data-part": "rows" }),
      )),
      make("p", { "data-part": "empty", hidden: true }, word("none")),
      make("button", {
        type: "button", "data-part": "more", hidden: true, click: () => load(true),
      }, word("more")),
    ),
    make("details", { "data-part": "generations", hidden: true },
      make("summary", {}, word("generations")),
      make("div", {
        class: "scroll", tabindex: 0, role: "region", "aria-label": word("generations"),
      }, make("table", {},
        make("thead", {}, make("tr", {},
          column("built"), column("documents", "count"), column("paragraphs", "count"),
          make("td", {}),
        )),
        make("tbody", { "data-part": "generation-rows" }),
      )),
    ),
  );
};
const look = async () => {
  const room = document.getElementById("documents-room");
  if (!room || room.offsetParent === null || document.hidden) return;
  const isNew = !room.firstChild;
  if (!isNew && Date.now() < state.due) return;
  state.due = Date.now() + 5000;
  state.room = room;
  state.reasons = JSON.parse(room.dataset.reasons);
  if (isNew) {
    Object.assign(state, { library: null, change: null, seen: "" });
    build(room);
  }
  if (!state.library) await load();
  const told = await ask("GET", "changes/current");
  if (!told) return;
  if (!isNew && told.change?.id !== state.change?.id) load();
  showChange(told.change);
  if (told.change?.state === "running") state.due = Date.now() + 1000;
};
setInterval(look, 250);
// A file dropped beside the field must not replace the page.
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (state.room?.offsetParent && event.dataTransfer?.types.includes("Files")) {
      event.preventDefault();
    }
  });
}
