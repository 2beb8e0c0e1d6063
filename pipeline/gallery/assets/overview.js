"use strict";
const content = JSON.parse(document.getElementById("content").textContent);
const $ = (id) => document.getElementById(id);
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function layout(x, y, log) {
  const axis = { gridcolor: style("--line"), zerolinecolor: style("--line") };
  return { margin: { l: 55, r: 10, t: 10, b: 55 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: style("--ink"), size: 12 }, xaxis: { ...axis, title: { text: x } },
    yaxis: { ...axis, title: { text: y }, type: log ? "log" : "linear" }, legend: { font: { size: 10 } } };
}
const options = { displayModeBar: false, responsive: true };

function drawPck() {
  const rows = Object.entries(content.pck.rows).map(([name, y]) => ({ name, x: content.pck.alphas, y, mode: "lines" }));
  document.getElementById("pck").closest("figure").hidden = !rows.length;
  Plotly.react("pck", rows, layout("threshold [object sizes]", "PCK [%]", false), options);
}

function drawLoss() {
  const term = $("loss-term").value, curves = content.losses[$("loss-category").value] || {};
  const rows = Object.entries(curves).filter(([, curve]) => curve.terms[term])
    .map(([name, curve]) => ({ name, x: curve.step, y: curve.terms[term], mode: "lines" }));
  const values = rows.flatMap((row) => row.y).filter((y) => y > 0);
  Plotly.react("loss", rows, layout("step", term, Math.max(...values) > 100 * Math.min(...values)), options);
}

const terms = new Set();
for (const [category, curves] of Object.entries(content.losses)) {
  $("loss-category").append(new Option(category));
  for (const curve of Object.values(curves)) for (const term of Object.keys(curve.terms)) terms.add(term);
}
for (const term of terms) $("loss-term").append(new Option(term));
if (!terms.size) $("loss").closest("figure").hidden = true;
for (const id of ["loss-category", "loss-term"]) $(id).addEventListener("change", drawLoss);
document.addEventListener("theme", () => { drawPck(); drawLoss(); });

// The best number of each column of the first table is set in bold.
for (const table of document.querySelectorAll("table.results")) {
  const rows = [...table.tBodies[0].rows].filter((row) => !row.classList.contains("rule"));
  const lower = /Chamfer|error/i.test(table.closest(".wide").getAttribute("aria-label"));
  for (let column = 1; column < table.tHead.rows[0].cells.length; column++) {
    const cells = rows.map((row) => row.cells[column]).filter((cell) => cell && /^[\d.]+( |$)/.test(cell.textContent));
    const numbers = cells.map((cell) => parseFloat(cell.textContent));
    const best = lower ? Math.min(...numbers) : Math.max(...numbers);
    cells.forEach((cell, at) => { if (numbers[at] === best) cell.classList.add("best"); });
  }
}
drawPck();
if (terms.size) drawLoss();
document.body.dataset.ready = "true";
