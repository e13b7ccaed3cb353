"use strict";
// The charts. A model has one colour in all of them; beyond the colours its markers differ too.

const data = JSON.parse(document.getElementById("data").textContent);
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c"]; // Okabe & Ito
const MARKERS = ["circle", "square", "diamond", "triangle-up", "cross", "star"];
const SETTINGS = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
const get = (id) => document.getElementById(id);
const colour = (model) => COLOURS[model % COLOURS.length];
const marker = (model) => MARKERS[Math.floor(model / COLOURS.length) % MARKERS.length];
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Plotly reads HTML in its texts: names are shown as they are.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const name = (model) => plain(data.models[model]);
const short = (number) => (number === null || number === undefined ? "–" : String(Number(Number(number).toPrecision(4))));
const heading = (one) => `${one.task}, ${one.length}`;
// Models at the same place stand side by side on a logarithmic axis.
const beside = (place, rank, count) => place * 1.04 ** (rank - (count - 1) / 2);
const ticks = (places) => ({ tickvals: places, ticktext: places.map(short) });
const power = (exponent) => (exponent === null ? "–" : `10^${short(exponent)}`);

function layout(x, y, shapes = [], annotations = []) {
  const axis = { gridcolor: style("--line"), zeroline: false, linecolor: style("--line"), automargin: true };
  const narrow = window.innerWidth < 700;
  return {
    font: { family: style("--font"), size: 13, color: style("--text") },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 8, r: 8, t: 24, b: 8 },
    legend: narrow ? { orientation: "h", y: -0.22, yanchor: "top" } : { y: 1 },
    hoverlabel: { bgcolor: style("--paper"), bordercolor: style("--line"), font: { color: style("--text") } },
    xaxis: { ...axis, ...x, title: { text: x.title, standoff: 8 } }, yaxis: { ...axis, ...y, title: { text: y.title, standoff: 8 } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: style("--line"), activecolor: style("--quiet") },
    shapes, annotations, showlegend: true, dragmode: narrow ? false : "zoom",
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

const dotted = (line, title, axis) => [
  { type: "line", ...line, line: { dash: "dot", width: 1.5, color: style("--quiet") } },
  { text: title, showarrow: false, font: { color: style("--quiet"), size: 12 }, ...axis },
];

function curve(line, part, key, options = {}) {
  const chosen = line[part];
  return {
    x: chosen.x, y: chosen[key], name: name(line.model), legendgroup: String(line.model), connectgaps: false,
    mode: line.model < COLOURS.length && chosen.x.length > 1 ? "lines" : "lines+markers",
    line: { color: colour(line.model), width: 2 }, marker: { symbol: marker(line.model), size: 6, color: colour(line.model) },
    hovertemplate: "%{x}: %{y:.4~g}<extra>%{fullData.name}</extra>", ...options,
  };
}

// Shades that lie over each other are fainter.
function band(line, _, all) {
  const { x, low, high } = line.learning;
  if (low === undefined) return [];
  const known = x.map((_, place) => place).filter((place) => low[place] !== null);
  const back = [...known].reverse();
  return [{
    x: [...known, ...back].map((place) => x[place]), y: [...known.map((p) => high[p]), ...back.map((p) => low[p])],
    fill: "toself", fillcolor: colour(line.model) + (all.length > 3 ? "14" : "26"), line: { width: 0 }, mode: "lines", hoverinfo: "skip",
    showlegend: false, legendgroup: String(line.model),
  }];
}

function learning(one, lines) {
  const drawn = lines.filter((line) => line.learning);
  const positive = drawn.every((line) => line.learning.median.every((y) => y === null || y > 0));
  const [shape, label] = dotted({ xref: "paper", x0: 0, x1: 1, y0: one.baseline, y1: one.baseline }, "baseline",
    { xref: "paper", x: 1, xanchor: "right", yanchor: "bottom", y: !one.higher && positive ? Math.log10(one.baseline) : one.baseline });
  const marked = one.baseline !== null && (one.higher || one.baseline > 0);
  Plotly.react("learning", [...drawn.flatMap(band), ...drawn.map((line) => curve(line, "learning", "median"))],
    layout({ title: "training steps", rangemode: "tozero" }, { title: plain(one.metric), type: !one.higher && positive ? "log" : "linear" },
      marked ? [shape] : [], marked ? [label] : []), SETTINGS);
  table("learning-table", ["Model", "Last step", "Median", "Least", "Most"], drawn.map(({ model, learning: of }) => [
    data.models[model], short(of.x.at(-1)), ...["median", "low", "high"].map((key) => short((of[key] || of.median).at(-1)))]));
}

function decay(one, lines) {
  const drawn = lines.filter((line) => line.decay);
  const traces = drawn.flatMap((line) => [
    curve(line, "decay", "end_median", { hovertemplate: "lag %{x}: 10^%{y:.4~g} after training<extra>%{fullData.name}</extra>" }),
    curve(line, "decay", "start_median", { showlegend: false, line: { color: colour(line.model), width: 1.5, dash: "dash" },
      hovertemplate: "lag %{x}: 10^%{y:.4~g} before training<extra>%{fullData.name}</extra>" }),
  ]);
  const [shape, label] = dotted({ yref: "paper", y0: 0, y1: 1, x0: one.lag, x1: one.lag }, `lag ${short(one.lag)}`,
    { yref: "paper", y: 1, yanchor: "bottom", x: one.lag });
  Plotly.react("decay", traces, layout({ title: "lag in time steps" },
    { title: "gradient norm", tickprefix: "10<sup>", ticksuffix: "</sup>", nticks: 7 },
    one.lag === null ? [] : [shape], one.lag === null ? [] : [label]), SETTINGS);
  const near = (of) => of.x.reduce((best, x, place) => (Math.abs(x - one.lag) < Math.abs(of.x[best] - one.lag) ? place : best), 0);
  table("decay-table", ["Model", "Lag", "Norm before", "Norm after", "Norm after, at lag 0"], drawn.map(({ model, decay: of }) => {
    const place = one.lag === null ? of.x.length - 1 : near(of);
    return [data.models[model], short(of.x[place]), power(of.start_median[place]), power(of.end_median[place]), power(of.end_median[0])];
  }));
}

function scatter() {
  const { model, lag, half_life: life, solved, drawn, points, runs } = data.scatter;
  const places = data.models.map(() => []);
  model.forEach((one, place) => places[one].push(place));
  const used = places.map((_, one) => one).filter((one) => places[one].length);
  const all = [...lag, ...life];
  const lags = [...new Set(lag)].sort((a, b) => a - b);
  const ends = all.length ? [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))] : [1, 10];
  const shape = (is) => (is ? "circle" : "x-thin-open");
  const key = [true, false].map((is) => ({ x: [null], y: [null], mode: "markers", name: is ? "solved" : "not solved", hoverinfo: "skip",
    marker: { symbol: shape(is), size: 9, color: style("--quiet"), line: { width: 2, color: style("--quiet") } } }));
  const traces = used.map((one, rank) => ({
    x: places[one].map((p) => beside(lag[p], rank, used.length)), customdata: places[one].map((p) => short(lag[p])), y: places[one].map((p) => life[p]), name: name(one), mode: "markers",
    text: places[one].map((p) => (solved[p] ? "solved" : "not solved")), hovertemplate: "lag %{customdata}, half-life %{y:.4~g}, %{text}<extra>%{fullData.name}</extra>",
    marker: { symbol: places[one].map((p) => shape(solved[p])), size: 9, color: colour(one), opacity: 0.75, line: { width: 2, color: colour(one) } },
  }));
  const line = { x: ends, y: ends, mode: "lines", line: { dash: "dash", width: 1, color: style("--quiet") }, hoverinfo: "skip", showlegend: false };
  Plotly.react("scatter", [line, ...traces, ...key], layout({ title: "lag of the task", type: "log", ...(lags.length > 8 ? {} : ticks(lags)) },
    { title: "half-life of the gradient", type: "log" }), SETTINGS);
  const thinned = drawn < points ? `${drawn} of ${points} drawn. ` : "";
  get("scatter-note").textContent = thinned + (points < runs ? `${runs - points} of ${runs} runs have no half-life or lag and are not drawn.` : "");
  const most = (list) => (list.length ? short(list.reduce((a, b) => Math.max(a, b))) : "–");
  table("scatter-table", ["Model", "Runs drawn", "Solved", "Longest lag solved", "Longest half-life"], used.map((one) => {
    const won = places[one].filter((p) => solved[p]);
    return [data.models[one], places[one].length, won.length, most(won.map((p) => lag[p])), most(places[one].map((p) => life[p]))];
  }));
}

function success(task) {
  const lines = data.lines.filter((line) => data.cases[line.case].task === task && line.runs);
  const numeric = lines.every((line) => data.cases[line.case].size > 0);
  const place = (line) => (numeric ? data.cases[line.case].size : plain(data.cases[line.case].length));
  const models = [...new Set(lines.map((line) => line.model))].sort((a, b) => a - b);
  const sizes = [...new Set(lines.map(place))];
  const traces = models.map((model, rank) => {
    const mine = lines.filter((line) => line.model === model).sort((a, b) => (numeric ? place(a) - place(b) : a.case - b.case));
    const rate = mine.map((line) => line.solved / line.runs);
    return {
      x: mine.map((line) => (numeric ? beside(place(line), rank, models.length) : place(line))), y: rate, name: name(model), mode: "lines+markers",
      text: mine.map((line) => `${plain(data.cases[line.case].length)}: ${line.solved} of ${line.runs}`),
      line: { color: colour(model), width: 2 }, marker: { symbol: marker(model), size: 8, color: colour(model) },
      error_y: { symmetric: false, array: mine.map((line, p) => line.high - rate[p]), arrayminus: mine.map((line, p) => rate[p] - line.low), thickness: 1, width: 3 },
      hovertemplate: "%{text}<extra>%{fullData.name}</extra>",
    };
  });
  const one = data.cases.find((found) => found.task === task);
  Plotly.react("success", traces, layout({ title: numeric ? plain(one.length.replace(/ \S+$/, "")) : "length", type: numeric ? "log" : "category", ...(numeric && sizes.length <= 8 ? ticks(sizes) : {}) },
    { title: "share solved", range: [-0.05, 1.05], tickformat: ".0%" }), SETTINGS);
  table("success-table", ["Model", "Length", "Solved", "From", "To"], lines.map((line) => [data.models[line.model], data.cases[line.case].length,
    `${line.solved} of ${line.runs}`, `${Math.round(100 * line.low)} %`, `${Math.round(100 * line.high)} %`]));
}

function drawCase() {
  const place = Number(get("case").value);
  const lines = data.lines.filter((line) => line.case === place).sort((a, b) => a.model - b.model);
  learning(data.cases[place], lines);
  decay(data.cases[place], lines);
}

function draw() {
  drawCase();
  scatter();
  success(get("success-task").value);
}

const option = (text, value) => Object.assign(document.createElement("option"), { textContent: text, value });

if (data.cases.length) {
  get("case").append(...data.cases.map((one, place) => option(heading(one), place)));
  get("success-task").append(...[...new Set(data.cases.map((one) => one.task))].map((task) => option(task, task)));
  get("case").addEventListener("change", drawCase);
  get("success-task").addEventListener("change", () => success(get("success-task").value));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
}
