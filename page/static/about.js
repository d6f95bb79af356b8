// The tab "about the index": plotly draws, this connects the marks with the passages.
const plots = () => document.querySelectorAll("#about .js-plotly-plot");
let choices = 0;
const choose = (address) => {
  const box = document.querySelector("#about-chosen textarea, #about-chosen input");
  if (!box) return;
  choices += 1;
  box.value = `${address}#${choices}`;  // only what changes is sent, and one may choose again
  box.dispatchEvent(new Event("input", { bubbles: true }));
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("#about button[data-passage]");
  if (button) choose(button.dataset.passage);
});
// The page's own colours and letters, light or dark.
const paint = (plot) => {
  const style = getComputedStyle(document.body);
  const value = (name) => style.getPropertyValue(name).trim();
  const [text, line, back] = [
    "--body-text-color", "--border-color-primary", "--background-fill-primary",
  ].map(value);
  window.Plotly.relayout(plot, {
    font: { color: text, family: style.fontFamily, size: 13 },
    hoverlabel: { bgcolor: back, bordercolor: line, align: "left",
      font: { color: text, family: style.fontFamily, size: 13 } },
    ...Object.fromEntries(["xaxis", "yaxis"].flatMap((axis) => [
      [`${axis}.gridcolor`, line], [`${axis}.zerolinecolor`, line],
    ])),
    ...(matchMedia("(pointer: coarse)").matches ? { dragmode: false } : {}),
  });
};
// Marks the passage that is shown, if it is on the map.
const ring = () => {
  const plot = document.querySelector("#about-map-plot .js-plotly-plot");
  const shown = document.getElementById("about-shown");
  if (!plot || !plot.data) return;
  const place = { x: [[]], y: [[]] };
  for (const trace of plot.data) {
    const at = shown && trace.customdata ? trace.customdata.indexOf(shown.dataset.shown) : -1;
    if (at >= 0) [place.x, place.y] = [[[trace.x[at]]], [[trace.y[at]]]];
  }
  window.Plotly.restyle(plot, place, [plot.data.length - 1]);
};
const label = (plot) => {
  const part = plot.closest("[id$='-plot']");
  const name = part.id.slice(0, -"-plot".length);
  const told = document.querySelector(`[data-label="${name}"]`)
    || document.querySelector(`#${name} h2`);
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", told ? told.textContent : "");
};
const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    // A chart that came while another tab was open was drawn without knowing its width.
    const drawn = target._fullLayout && target._fullLayout.width;
    if (contentRect.width && drawn && Math.abs(drawn - contentRect.width) > 1) {
      window.Plotly.Plots.resize(target);
    }
  }
});
const ready = new WeakSet();
const prepare = () => {
  for (const plot of plots()) {
    if (ready.has(plot) || !plot.on || !plot.data || !window.Plotly) continue;
    ready.add(plot);
    label(plot);
    paint(plot);
    sizes.observe(plot);
    if (plot.closest("#about-map-plot")) {
      plot.on("plotly_click", ({ points }) => {
        if (points.length && points[0].customdata) choose(points[0].customdata);
      });
      ring();
    }
  }
};
new MutationObserver(prepare).observe(document, { childList: true, subtree: true });
// Dark or light: Gradio says so by a class of the body.
const watchBody = () => {
  new MutationObserver(() => plots().forEach((plot) => ready.has(plot) && paint(plot)))
    .observe(document.body, { attributes: true, attributeFilter: ["class"] });
};
if (document.body) watchBody(); else document.addEventListener("DOMContentLoaded", watchBody);
window.yinzhengAbout = {
  // Called when a passage was sent: it may not be in the page yet.
  shown: () => requestAnimationFrame(() => requestAnimationFrame(() => {
    ring();
    const target = document.getElementById("about-shown");
    if (!target) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    target.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
    target.focus({ preventScroll: true });
  })),
};
