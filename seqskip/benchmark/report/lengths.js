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
function overLength(id, task, drawn, value, axis) {
  const bars = drawn.length <= BARS;
  const traces = task.models.map((model, rank) => {
    const mine = drawn.filter((line) => line.model === model);
    const values = mine.map(value);
    return {
      x: mine.map((line) => task.at(line, rank)), y: values.map(({ y }) => y), name: name(model), mode: "lines+markers",
      text: mine.map((line, p) => `${plain(task.length(line))}: ${values[p].told}`),
      hovertemplate: "%{text}<extra>%{fullData.name}</extra>",
      line: { color: colour(model), width: 2 }, marker: { symbol: marker(model), size: 8, color: colour(model) },
      error_y: {
        visible: bars, symmetric: false, thickness: 1, width: 3,
        array: values.map(({ y, high }) => high - y), arrayminus: values.map(({ y, low }) => y - low),
      },
    };
  });
  plot(id, traces, layout(task.axis, axis));
  const none = drawn.length ? "" : "There is none so far.";
  get(`${id}-note`).textContent = bars ? none : "The intervals of so many are in the table alone.";
}

function success(task) {
  const value = ({ solved, runs, low, high }) => ({ y: solved / runs, low, high, told: `${solved} of ${runs}` });
  overLength("success", task, task.lines, value, { title: "share solved", range: [-0.05, 1.05], tickformat: ".0%" });
  table("success-table", ["Model", "Length", "Solved", "From", "To"], task.lines.map((line) => {
    const ends = [line.low, line.high].map((share) => `${Math.round(100 * share)} %`);
    return [data.models[line.model], task.length(line), `${line.solved} of ${line.runs}`, ...ends];
  }));
}

function steps(task) {
  const drawn = task.lines.filter((line) => line.steps !== undefined);
  const value = ({ steps: y, fewest: low, most: high, solved, runs }) => (
    { y, low, high, told: `${counted(y)} steps, ${solved} of ${runs} solved` });
  overLength("steps", task, drawn, value, { title: "training steps", type: "log" });
  table("steps-table", ["Model", "Length", "Steps", "Fewest", "Most", "Solved"], task.lines.map((line) => {
    const taken = line.steps === undefined ? ["never", "–", "–"] : [line.steps, line.fewest, line.most].map(counted);
    return [data.models[line.model], task.length(line), ...taken, `${line.solved} of ${line.runs}`];
  }));
}

function drawLengths() {
  const task = ofTask(get("over-length").value);
  success(task);
  steps(task);
}
