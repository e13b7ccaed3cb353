"use strict";
// The charts: each draws the numbers of the page, and puts them into its table.

const BARS = 60; // intervals that can be told apart in a chart

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
  plot("learning", [...drawn.flatMap(band), ...drawn.map((line) => curve(line, "learning", "median"))],
    layout({ title: "training steps", rangemode: "tozero" }, { title: plain(one.metric), type: !one.higher && positive ? "log" : "linear" },
      marked ? [shape] : [], marked ? [label] : []));
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
  const norms = traces.flatMap((trace) => trace.y).filter((y) => y !== null);
  const span = most(norms) - least(norms);
  const [shape, label] = dotted({ yref: "paper", y0: 0, y1: 1, x0: one.lag, x1: one.lag }, `lag ${short(one.lag)}`,
    { yref: "paper", y: 1, yanchor: "bottom", x: one.lag });
  plot("decay", traces, layout({ title: "lag in time steps" },
    { title: "gradient norm", tickprefix: "10<sup>", ticksuffix: "</sup>", ...(span > 2 ? { dtick: Math.ceil(span / 7) } : {}) },
    one.lag === null ? [] : [shape], one.lag === null ? [] : [label]));
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
  const lags = [...new Set(lag)].sort((a, b) => a - b);
  const ends = lags.length ? [lags[0] / 1.5, lags.at(-1) * 1.5] : [1, 10];
  const shifted = beside(lags, used.length);
  const wide = most(life) / least(life) > 30;
  const shape = (is) => (is ? "circle" : "x-thin-open");
  const key = [true, false].map((is) => ({ x: [null], y: [null], mode: "markers", name: is ? "solved" : "not solved", hoverinfo: "skip",
    marker: { symbol: shape(is), size: 9, color: style("--quiet"), line: { width: 2, color: style("--quiet") } } }));
  const traces = used.map((one, rank) => ({
    x: places[one].map((p) => shifted(lag[p], rank)), customdata: places[one].map((p) => short(lag[p])), y: places[one].map((p) => life[p]), name: name(one), mode: "markers",
    text: places[one].map((p) => (solved[p] ? "solved" : "not solved")), hovertemplate: "lag %{customdata}, half-life %{y:.4~g}, %{text}<extra>%{fullData.name}</extra>",
    marker: { symbol: places[one].map((p) => shape(solved[p])), size: drawn > 1000 ? 5 : 9, color: colour(one), opacity: 0.75, line: { width: drawn > 1000 ? 1 : 2, color: colour(one) } },
  }));
  const line = { x: ends, y: ends, mode: "lines", line: { dash: "dash", width: 1, color: style("--quiet") }, hoverinfo: "skip", showlegend: false };
  plot("scatter", [line, ...traces, ...key], layout({ title: "lag of the task", type: "log", ...(lags.length > 8 ? {} : ticks(lags)) },
    { title: "half-life of the gradient", type: "log", ...(wide ? { dtick: 1 } : {}) }));
  const thinned = drawn < points ? `${drawn} of ${points} drawn. ` : "";
  get("scatter-note").textContent = thinned + (points < runs ? `${runs - points} of ${runs} runs have no half-life or lag and are not drawn.` : "");
  table("scatter-table", ["Model", "Runs drawn", "Solved", "Longest lag solved", "Longest half-life"], used.map((one) => {
    const won = places[one].filter((p) => solved[p]);
    return [data.models[one], places[one].length, won.length, short(most(won.map((p) => lag[p]))), short(most(places[one].map((p) => life[p])))];
  }));
}

function success(task) {
  const lines = data.lines.filter((line) => data.cases[line.case].task === task && line.runs);
  const numeric = lines.every((line) => data.cases[line.case].size > 0);
  const place = (line) => (numeric ? data.cases[line.case].size : plain(data.cases[line.case].length));
  const models = [...new Set(lines.map((line) => line.model))].sort((a, b) => a - b);
  const sizes = [...new Set(lines.map(place))].sort((a, b) => (numeric ? a - b : 0));
  const shifted = numeric ? beside(sizes, models.length) : (size) => size;
  const bars = lines.length <= BARS;
  get("success-note").textContent = bars ? "" : "The intervals of so many are in the table alone.";
  const traces = models.map((model, rank) => {
    const mine = lines.filter((line) => line.model === model).sort((a, b) => (numeric ? place(a) - place(b) : a.case - b.case));
    const rate = mine.map((line) => line.solved / line.runs);
    return {
      x: mine.map((line) => shifted(place(line), rank)), y: rate, name: name(model), mode: "lines+markers",
      text: mine.map((line) => `${plain(data.cases[line.case].length)}: ${line.solved} of ${line.runs}`),
      line: { color: colour(model), width: 2 }, marker: { symbol: marker(model), size: 8, color: colour(model) },
      error_y: { visible: bars, symmetric: false, array: mine.map((line, p) => line.high - rate[p]), arrayminus: mine.map((line, p) => rate[p] - line.low), thickness: 1, width: 3 },
      hovertemplate: "%{text}<extra>%{fullData.name}</extra>",
    };
  });
  const one = data.cases.find((found) => found.task === task);
  plot("success", traces, layout({ title: numeric ? plain(one.length.replace(/ \S+$/, "")) : "length", type: numeric ? "log" : "category", ...(numeric && sizes.length <= 8 ? ticks(sizes) : {}) },
    { title: "share solved", range: [-0.05, 1.05], tickformat: ".0%" }));
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
