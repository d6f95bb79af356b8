// Who is signed in, and what to do when that has ended; nothing of it where nobody signs in.
const sessionWords = {
  "zh-CN": { out: "退出登录", ended: "登录已过期。", again: "重新登录" },
  "zh-TW": { out: "登出", ended: "登入已過期。", again: "重新登入" },
  en: { out: "Sign out", ended: "Your session has ended.", again: "Sign in again" },
}[navigator.language] ?? { out: "Sign out", ended: "Your session has ended.", again: "Sign in again" };
const sessionPlace = (name) => new URL(name, location.origin + location.pathname).href;
const sessionLink = (name, text) => {
  const link = document.createElement("a");
  link.href = sessionPlace(name);
  link.textContent = text;
  return link;
};
const tellSessionEnded = () => {
  if (document.getElementById("session-ended")) return;
  const bar = document.createElement("div");
  bar.id = "session-ended";
  bar.setAttribute("role", "alert");
  bar.append(`${sessionWords.ended} `, sessionLink("login", sessionWords.again));
  document.body.prepend(bar);
};
const sessionFetch = window.fetch;
window.fetch = async (...request) => {
  const response = await sessionFetch(...request);
  if (response.status === 401 && new URL(response.url).origin === location.origin) {
    tellSessionEnded();
  }
  return response;
};
const showWho = async () => {
  const response = await sessionFetch(sessionPlace("whoami"));
  if (response.status !== 200) return;
  const { name } = await response.json();
  const place = () => {
    const top = document.getElementById("top");
    if (!top) return requestAnimationFrame(place);
    const who = document.createElement("span");
    who.id = "who";
    const shown = document.createElement("b");
    shown.textContent = name;
    who.append(shown, " · ", sessionLink("logout", sessionWords.out));
    top.append(who);
  };
  place();
};
showWho();
