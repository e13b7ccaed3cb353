"use strict";
// The charts: each draws the numbers of the page, and puts them into its table.

// A line with its title: what a layout takes as shapes and annotations.
const dotted = (line, title, place) => [
  [{ type: "line", ...line, line: { dash: "dot", width: 1.5, color: style("--quiet") } }],
  [{ text: title, showarrow: false, font: { color: style("--quiet"), size: 12 }, ...place }],
];

function curve(line, part, key, options = {}) {
  const chosen = line[part];
  return {
    x: chosen.x, y: chosen[key], name: name(line.model), legendgroup: String(line.model), connectgaps: false,
    mode: line.model < COLOURS.length && chosen.x.length > 1 ? "lines" : "lines+markers",
    line: { color: colour(line.model), width: 2 },
    marker: { symbol: marker(line.model), size: 6, color: colour(line.model) },
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
    fill: "toself", fillcolor: colour(line.model) + (all.length > 3 ? "14" : "26"), line: { width: 0 }, mode: "lines",
    hoverinfo: "skip", showlegend: false, legendgroup: String(line.model),
  }];
}

function learning(one, lines) {
  const drawn = lines.filter((line) => line.learning);
  const values = drawn.flatMap((line) => line.learning.low ?? line.learning.median).filter((y) => y !== null);
  const log = !one.higher && [...values, one.baseline ?? 1].every((y) => y > 0); // a loss
  const height = one.baseline;
  const marks = dotted({ xref: "paper", x0: 0, x1: 1, y0: height, y1: height }, "baseline",
    { xref: "paper", x: 1, xanchor: "right", yanchor: "bottom", y: log ? Math.log10(height) : height });
  const look = layout({ title: "training steps", rangemode: "tozero" },
    { title: plain(one.metric), type: log ? "log" : "linear" }, ...(height === null ? [] : marks));
  plot("learning", [...drawn.flatMap(band), ...drawn.map((line) => curve(line, "learning", "median"))], look);
  table("learning-table", ["Model", "Last step", "Median", "Least", "Most"], drawn.map(({ model, learning: of }) => {
    const last = ["median", "low", "high"].map((key) => short((of[key] ?? of.median).at(-1)));
    return [data.models[model], short(of.x.at(-1)), ...last];
  }));
}

function decay(one, lines) {
  const drawn = lines.filter((line) => line.decay);
  const told = (when) => `lag %{x}: 10^%{y:.4~g} ${when} training<extra>%{fullData.name}</extra>`;
  const traces = drawn.flatMap((line) => [
    curve(line, "decay", "end_median", { hovertemplate: told("after") }),
    curve(line, "decay", "start_median", {
      showlegend: false, line: { color: colour(line.model), width: 1.5, dash: "dash" }, hovertemplate: told("before"),
    }),
  ]);
  const norms = traces.flatMap((trace) => trace.y).filter((y) => y !== null);
  const span = most(norms) - least(norms);
  const steps = span > 2 ? { dtick: Math.ceil(span / 7) } : {}; // whole powers of ten
  const marks = dotted({ yref: "paper", y0: 0, y1: 1, x0: one.lag, x1: one.lag }, `lag ${short(one.lag)}`,
    { yref: "paper", y: 1, yanchor: "bottom", x: one.lag });
  const norm = { title: "gradient norm", tickprefix: "10<sup>", ticksuffix: "</sup>", ...steps };
  plot("decay", traces, layout({ title: "lag in time steps" }, norm, ...(one.lag === null ? [] : marks)));
  const far = (of, place) => Math.abs(of.x[place] - one.lag);
  table("decay-table", ["Model", "Lag", "Norm before", "Norm after"], drawn.flatMap(({ model, decay: of }) => {
    const near = of.x.reduce((best, _, place) => (far(of, place) < far(of, best) ? place : best), 0);
    const told = one.lag === null ? [0, of.x.length - 1] : [0, near]; // lag 0 and the task's
    return told.map((p) => [data.models[model], short(of.x[p]), power(of.start_median[p]), power(of.end_median[p])]);
  }));
}

function scatter() {
  const { model, lag, half_life: life, solved, drawn, points, runs } = data.scatter;
  const places = data.models.map(() => []);
  model.forEach((one, place) => places[one].push(place));
  const used = places.map((_, one) => one).filter((one) => places[one].length);
  const lags = [...new Set(lag)].sort((a, b) => a - b);
  const shifted = beside(lags, used.length);
  const [size, width] = drawn > 1000 ? [5, 1] : [9, 2];
  const shape = (is) => (is ? "circle" : "x-thin-open");
  const traces = used.map((one, rank) => ({
    x: places[one].map((p) => shifted(lag[p], rank)), y: places[one].map((p) => life[p]),
    name: name(one), mode: "markers",
    customdata: places[one].map((p) => [short(lag[p]), solved[p] ? "solved" : "not solved"]),
    hovertemplate: "lag %{customdata[0]}, half-life %{y:.4~g}, %{customdata[1]}<extra>%{fullData.name}</extra>",
    marker: {
      symbol: places[one].map((p) => shape(solved[p])), size, opacity: 0.75,
      color: colour(one), line: { width, color: colour(one) },
    },
  }));
  const grey = style("--quiet");
  const key = [true, false].map((is) => ({
    x: [null], y: [null], mode: "markers", name: is ? "solved" : "not solved", hoverinfo: "skip",
    marker: { symbol: shape(is), size: 9, color: grey, line: { width: 2, color: grey } },
  }));
  const ends = lags.length ? [lags[0] / 1.5, lags.at(-1) * 1.5] : [1, 10];
  const dashes = { dash: "dash", width: 1, color: grey };
  const equal = { x: ends, y: ends, mode: "lines", line: dashes, hoverinfo: "skip", showlegend: false };
  const decades = most(life) / least(life) > 30 ? { dtick: 1 } : {};
  plot("scatter", [equal, ...traces, ...key], layout({ title: "lag of the task", ...logarithmic(lags) },
    { title: "half-life of the gradient", type: "log", ...decades }));
  const thinned = drawn < points ? `${drawn} of ${points} are drawn. ` : "";
  const without = points < runs ? `${runs - points} of ${runs} runs have no half-life or lag and are not drawn.` : "";
  get("scatter-note").textContent = thinned + without;
  const titles = ["Model", "Runs drawn", "Solved", "Longest lag solved", "Longest half-life"];
  table("scatter-table", titles, used.map((one) => {
    const won = places[one].filter((p) => solved[p]);
    const longest = [most(won.map((p) => lag[p])), most(places[one].map((p) => life[p]))];
    return [data.models[one], places[one].length, won.length, ...longest.map(short)];
  }));
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
  drawLengths();
}

const option = (text, value) => Object.assign(document.createElement("option"), { textContent: text, value });

if (data.cases.length) {
  get("case").append(...data.cases.map((one, place) => option(`${one.task}, ${one.length}`, place)));
  get("over-length").append(...[...new Set(data.cases.map((one) => one.task))].map((task) => option(task, task)));
  get("case").addEventListener("change", drawCase);
  get("over-length").addEventListener("change", drawLengths);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
}
