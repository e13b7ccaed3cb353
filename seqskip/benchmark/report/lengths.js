"use strict";
// The charts over a task's length: how many of the runs have solved it, and after how many training steps.

const BARS = 60; // intervals that can be told apart in a chart
const counted = (steps) => steps.toLocaleString("en-US");

// What both of them show: the lines of a task, and where they stand on the axis of lengths.
function ofTask(task) {
  const of = (line) => data.cases[line.case];
  const lines = data.lines.filter((line) => of(line).task === task && line.runs);
  const numeric = lines.every((line) => of(line).size > 0);
  const place = (line) => (numeric ? of(line).size : plain(of(line).length));
  const models = [...new Set(lines.map((line) => line.model))].sort((a, b) => a - b);
  const places = [...new Set(lines.map(place))].sort((a, b) => (numeric ? a - b : 0));
  const shifted = numeric ? beside(places, models.length) : (size) => size;
  lines.sort((a, b) => (numeric ? place(a) - place(b) : a.case - b.case));
  const title = numeric && lines.length ? plain(of(lines[0]).length.replace(/ \S+$/, "")) : "length";
  return {
    lines, models, length: (line) => of(line).length, at: (line, rank) => shifted(place(line), rank),
    axis: { title, ...(numeric ? logarithmic(places) : { type: "category", categoryarray: places }) },
  };
}

// `value` of a line: what is drawn, between low and high, and how it is told.
function overLength(id, task, value, axis) {
  const bars = task.lines.length <= BARS;
  const traces = task.models.map((model, rank) => {
    const mine = task.lines.filter((line) => line.model === model);
    const values = mine.map(value);
    return {
      x: mine.map((line) => task.at(line, rank)), y: values.map(({ y }) => y), name: name(model), mode: "lines+markers",
      text: mine.map((line, p) => `${plain(task.length(line))}: ${values[p].told}`),
      hovertemplate: "%{text}<extra>%{fullData.name}</extra>",
      line: { color: colour(model), width: 2 }, marker: { symbol: marker(model), size: 8, color: colour(model) },
      error_y: {
        visible: bars, symmetric: false, thickness: 1, width: 3,
        array: values.map(({ y, high }) => (y === null ? 0 : high - y)),
        arrayminus: values.map(({ y, low }) => (y === null ? 0 : y - low)),
      },
    };
  });
  plot(id, traces, layout(task.axis, axis));
  get(`${id}-note`).textContent = bars ? "" : "The intervals of so many are in the table alone. ";
}

function success(task) {
  const value = ({ solved, runs, low, high }) => ({ y: solved / runs, low, high, told: `${solved} of ${runs}` });
  overLength("success", task, value, { title: "share solved", range: [-0.05, 1.05], tickformat: ".0%" });
  table("success-table", ["Model", "Length", "Solved", "From", "To"], task.lines.map((line) => {
    const ends = [line.low, line.high].map((share) => `${Math.round(100 * share)} %`);
    return [data.models[line.model], task.length(line), `${line.solved} of ${line.runs}`, ...ends];
  }));
}

// Where nothing was solved the line is broken.
function steps(task) {
  const value = ({ steps: y = null, fewest: low, most: high, told, solved, runs }) => (
    { y, low, high, told: `${told} steps, ${solved} of ${runs} solved` });
  const taken = task.lines.flatMap(({ fewest, most: last }) => (fewest === undefined ? [] : [fewest, last]));
  overLength("steps", task, value, { title: "training steps", ...stepsAxis(taken) });
  get("steps-note").textContent += taken.length ? "" : "There is none so far.";
  table("steps-table", ["Model", "Length", "Steps", "Fewest", "Most", "Solved"], task.lines.map((line) => {
    const range = line.steps === undefined ? ["–", "–"] : [line.fewest, line.most].map(counted);
    return [data.models[line.model], task.length(line), line.told, ...range, `${line.solved} of ${line.runs}`];
  }));
}

// From zero, or where the numbers differ much logarithmic with 1, 2 and 5 of each power of ten.
function stepsAxis(taken) {
  if (!taken.length || most(taken) < 10 * least(taken)) return { rangemode: "tozero" };
  const range = [Math.log10(least(taken) / 1.3), Math.log10(most(taken) * 1.3)];
  const powers = Array.from({ length: Math.ceil(range[1]) - Math.floor(range[0]) }, (_, k) => 10 ** (k + Math.floor(range[0])));
  const tickvals = powers.flatMap((power) => [power, 2 * power, 5 * power]);
  return { type: "log", range, tickvals, ticktext: tickvals.map(counted) };
}

function drawLengths() {
  const task = ofTask(get("over-length").value);
  success(task);
  steps(task);
}
