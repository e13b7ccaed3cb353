"use strict";
// The leaderboard: sorted by a column's title, filtered by task and by text.

const board = document.getElementById("board");
const rows = board ? [...board.tBodies[0].rows] : [];

function value(row, column) {
  const text = row.cells[column].dataset.sort;
  return text === undefined || text === "" ? null : isNaN(text) ? text : Number(text);
}

function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

// Cells without a value come last in both directions.
function sort(heading) {
  const column = heading.cellIndex;
  const down = heading.getAttribute("aria-sort") === "ascending";
  const keyed = rows.map((row) => [value(row, column), row]);
  keyed.sort(([a], [b]) => (down && a !== null && b !== null ? compare(b, a) : compare(a, b)));
  for (const other of board.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  board.tBodies[0].append(...keyed.map(([, row]) => row));
}

function filter() {
  const task = document.getElementById("task").value;
  const words = document.getElementById("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const text = words.length ? row.textContent.toLowerCase() : "";
    row.hidden = (task !== "" && row.dataset.task !== task) || !words.every((word) => text.includes(word));
    shown += !row.hidden;
  }
  document.getElementById("count").textContent = `${shown} of ${rows.length} rows`;
}

if (board) {
  for (const heading of board.tHead.rows[0].cells) {
    heading.querySelector("button").addEventListener("click", () => sort(heading));
  }
  document.getElementById("task").addEventListener("change", filter);
  document.getElementById("find").addEventListener("input", filter);
  filter();
}
