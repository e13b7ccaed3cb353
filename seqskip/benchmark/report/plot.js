"use strict";
// What all charts share: how they look, a table of their numbers, a legend for the keyboard.
// A model has one colour in all of them; beyond the colours its markers differ too.

const data = JSON.parse(document.getElementById("data").textContent);
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c"]; // Okabe & Ito
const MARKERS = ["circle", "square", "diamond", "triangle-up", "cross", "star"];
// Plotly has a button that sends the numbers to its makers: not on this page.
const SETTINGS = {
  responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "sendDataToCloud"],
};
const narrow = () => window.innerWidth < 700;
const get = (id) => document.getElementById(id);
const colour = (model) => COLOURS[model % COLOURS.length];
const marker = (model) => MARKERS[Math.floor(model / COLOURS.length) % MARKERS.length];
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Plotly reads HTML in its texts: names are shown as they are.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const name = (model) => plain(data.models[model]);
const short = (number) => (number === null || number === undefined ? "–" : String(Number(number.toPrecision(4))));
const most = (list) => list.reduce((a, b) => (a === null ? b : Math.max(a, b)), null); // of more than fit on the stack
const least = (list) => list.reduce((a, b) => (a === null ? b : Math.min(a, b)), null);
const power = (exponent) => (exponent === null ? "–" : `10^${short(exponent)}`);

// Models at the same place stand side by side on a logarithmic axis.
function beside(places, count) {
  const closest = least(places.slice(1).map((place, before) => place / places[before])) ?? 2;
  const step = Math.min(1.04, closest ** (0.5 / count));
  return (place, rank) => place * step ** (rank - (count - 1) / 2);
}

// A logarithmic axis names the places themselves where they are few and lie apart.
function logarithmic(places) {
  const apart = places.length <= 8 && places.every((place, rank) => rank === 0 || place > 1.25 * places[rank - 1]);
  const range = [Math.log10(places[0] / 1.5), Math.log10(places.at(-1) * 1.5)];
  const ticks = apart ? { tickvals: places, ticktext: places.map(short) } : {};
  return { type: "log", ...(places.length ? { range } : {}), ...ticks };
}

function layout(x, y, shapes = [], annotations = []) {
  const line = style("--line");
  const axis = (one) => ({
    gridcolor: line, zeroline: false, linecolor: line, automargin: true, ...one,
    title: { text: one.title, standoff: 8 },
  });
  return {
    font: { family: style("--font"), size: 13, color: style("--text") },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 8, r: 8, t: narrow() ? 24 : 44, b: 8 },
    legend: narrow() ? { orientation: "h", y: -0.22, yanchor: "top" } : { y: 1 },
    hoverlabel: { bgcolor: style("--paper"), bordercolor: line, font: { color: style("--text") } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: line, activecolor: style("--quiet") },
    xaxis: axis(x), yaxis: axis(y), shapes, annotations, showlegend: true, dragmode: narrow() ? false : "zoom",
  };
}

function table(id, head, rows) {
  const line = (cells, tag) => {
    const row = document.createElement("tr");
    cells.forEach((text, place) => {
      const cell = document.createElement(place === 0 ? "th" : tag);
      if (tag === "th" || place === 0) cell.scope = tag === "th" ? "col" : "row";
      cell.textContent = text;
      row.append(cell);
    });
    return row;
  };
  const [top, body] = [document.createElement("thead"), document.createElement("tbody")];
  top.append(line(head, "th"));
  body.append(...rows.map((cells) => line(cells, "td")));
  get(id).replaceChildren(top, body);
}

// Plotly's legend answers to the mouse alone: its entries are made buttons.
function reachable(chart) {
  for (const item of chart.querySelectorAll(".legend .traces")) {
    item.setAttribute("tabindex", 0);
    item.setAttribute("role", "button");
    item.setAttribute("aria-pressed", item.style.opacity !== "0.5");
    item.setAttribute("aria-label", item.textContent);
  }
}

async function toggle(chart, item) {
  const text = item.querySelector(".legendtext").getAttribute("data-unformatted");
  const { legendgroup: group, visible } = chart.data.find((trace) => trace.name === text);
  const same = (trace) => (group === undefined ? trace.name === text : trace.legendgroup === group);
  const places = chart.data.map((_, place) => place).filter((place) => same(chart.data[place]));
  await Plotly.restyle(chart, { visible: visible === "legendonly" ? true : "legendonly" }, places);
  const again = [...chart.querySelectorAll(".legendtext")].find((one) => one.getAttribute("data-unformatted") === text);
  again.closest(".traces").focus();
}

function plot(id, traces, look) {
  const chart = get(id);
  const first = chart.data === undefined;
  Plotly.react(chart, traces, look, { ...SETTINGS, displayModeBar: narrow() ? false : "hover" });
  reachable(chart);
  if (!first) return;
  chart.on("plotly_afterplot", () => reachable(chart));
  chart.addEventListener("keydown", (event) => {
    const item = event.target.closest(".traces");
    if (item === null || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    toggle(chart, item);
  });
}
