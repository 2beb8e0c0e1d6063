"use strict";
// Arrays of `pipeline.gallery.packing`: whole numbers in Base64, over a range; the largest one says "not known".
function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.data), (c) => c.charCodeAt(0));
  const raw = packed.bits === 16 ? new Uint16Array(bytes.buffer) : bytes;
  if (packed.low === undefined) return raw;
  const steps = 2 ** packed.bits - 2, scale = (packed.high - packed.low) / steps;
  return Float32Array.from(raw, (n) => (n > steps ? NaN : n * scale + packed.low));
}

const content = JSON.parse(document.getElementById("content").textContent);
const photographs = content.photographs;
const count = photographs.length;
const points = unpack(content.points);
let first = 0;
for (const photograph of photographs) {
  photograph.first = first;
  first += photograph.points;
  photograph.image = new Image();
  photograph.image.src = "data:image/jpeg;base64," + photograph.jpeg;
}
for (const row of content.rows) {
  row.places = unpack(row.places);
  row.probability = unpack(row.probability);
  if (row.mesh) for (const key of Object.keys(row.mesh)) row.mesh[key] = unpack(row.mesh[key]);
}
const meshRows = content.rows.filter((row) => row.mesh);

// What is shown: `point` is counted over the points of all photographs.
const state = { row: content.rows[0], other: null, source: 0, point: 0, target: 1, view: "photograph", colour: "identity",
  sort: "name", vertex: null };
const $ = (id) => document.getElementById(id);
const percent = (share) => (100 * share).toFixed(0) + " %";
const placeOf = (row, point, image) => [row.places[2 * (point * count + image)], row.places[2 * (point * count + image) + 1]];
const ownPlace = (point) => [points[2 * point], points[2 * point + 1]];
const nameOf = (point) => {
  const photograph = photographs[state.source];
  return photograph.keypoints[point - photograph.first];
};

/** Where an annotated keypoint is in another photograph; null where it is not annotated there. */
function truth(name, image) {
  const position = name === undefined ? -1 : photographs[image].keypoints.indexOf(name);
  return position < 0 ? null : ownPlace(photographs[image].first + position);
}

/** How far a match is from the annotated keypoint, in object sizes; null where it is not known. */
function errorOf(row, point, name, image) {
  const at = truth(name, image);
  if (!at) return null;
  const found = placeOf(row, point, image);
  return Math.hypot(found[0] - at[0], found[1] - at[1]) / content.size;
}

// Meshes.

/** The row whose mesh is drawn for a row: its own, or the first one for features. */
const meshRowOf = (row) => (row && row.mesh ? row : meshRows[0]);

/** The visible vertex nearest to a point of a photograph (SEMAGIC Eq. 10). */
function nearestVertex(mesh, image, place) {
  const vertices = mesh.template.length / 3, start = image * vertices;
  let best = null, least = Infinity;
  for (let i = 0; i < vertices; i++) {
    if (!mesh.visible[start + i]) continue;
    const dx = mesh.projected[2 * (start + i)] - place[0], dy = mesh.projected[2 * (start + i) + 1] - place[1];
    if (dx * dx + dy * dy < least) { least = dx * dx + dy * dy; best = i; }
  }
  return best;
}

const viridis = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
function ramp(share) {
  const t = Math.min(Math.max(share, 0), 1) * (viridis.length - 1), i = Math.min(Math.floor(t), viridis.length - 2);
  return viridis[i].map((v, k) => v + (t - i) * (viridis[i + 1][k] - v));
}

/** Colours of all vertices as [r, g, b] from 0 to 255. */
function vertexColours(mesh, image) {
  const vertices = mesh.template.length / 3, colours = new Array(vertices);
  if (state.colour === "identity") {
    const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
    for (let i = 0; i < mesh.template.length; i++) {
      low[i % 3] = Math.min(low[i % 3], mesh.template[i]);
      high[i % 3] = Math.max(high[i % 3], mesh.template[i]);
    }
    for (let i = 0; i < vertices; i++) {
      colours[i] = [0, 1, 2].map((k) => (255 * (mesh.template[3 * i + k] - low[k])) / (high[k] - low[k] || 1));
    }
    return colours;
  }
  for (let i = 0; i < vertices; i++) {
    if (state.colour === "features") colours[i] = [0, 1, 2].map((k) => 255 * mesh.features[3 * i + k]);
    else if (state.colour === "albedo") colours[i] = [0, 1, 2].map((k) => 255 * mesh.albedo[3 * (image * vertices + i) + k]);
    // An error of two tolerances or more has the last colour.
    else colours[i] = Number.isNaN(mesh.errors[i]) ? [150, 150, 150] : ramp(mesh.errors[i] / (2 * content.alpha));
  }
  return colours;
}

function morphed(mesh, image, share) {
  const vertices = mesh.template.length / 3, out = [[], [], []];
  for (let i = 0; i < vertices; i++) {
    for (let k = 0; k < 3; k++) {
      const from = mesh.template[3 * i + k];
      out[k].push(from + share * (mesh.deformed[3 * (image * vertices + i) + k] - from));
    }
  }
  return out;
}

function faceColumns(mesh) {
  const columns = [[], [], []];
  for (let i = 0; i < mesh.faces.length; i++) columns[i % 3].push(mesh.faces[i]);
  return columns;
}

/** A place a little above the surface at a vertex, so that a mark on it is not half inside. */
function lifted(mesh, columns, vertex) {
  const at = (v) => columns.map((column) => column[v]), normal = [0, 0, 0];
  for (let face = 0; face < mesh.faces.length; face += 3) {
    const corners = [mesh.faces[face], mesh.faces[face + 1], mesh.faces[face + 2]];
    if (!corners.includes(vertex)) continue;
    const [a, b, c] = corners.map(at), u = b.map((v, k) => v - a[k]), w = c.map((v, k) => v - a[k]);
    for (let k = 0; k < 3; k++) normal[k] += u[(k + 1) % 3] * w[(k + 2) % 3] - u[(k + 2) % 3] * w[(k + 1) % 3];
  }
  const length = Math.hypot(...normal) || 1, reach = 0.03 * Math.max(...mesh.template.map(Math.abs));
  return at(vertex).map((value, k) => value + (reach * normal[k]) / length);
}

const scenes = {};
/** Draw a mesh that turns under the mouse, with the chosen vertex on it. */
function drawScene(id, mesh, image, share) {
  const [x, y, z] = morphed(mesh, image, share), vertex = state.vertex && state.vertex.mesh === mesh ? state.vertex.index : null;
  const scene = scenes[id];
  const colours = vertexColours(mesh, image).map((c) => `rgb(${c.map(Math.round).join(",")})`);
  const mark = vertex === null ? [[], [], []] : lifted(mesh, [x, y, z], vertex).map((value) => [value]);
  const [i, j, k] = faceColumns(mesh);
  const surface = { type: "mesh3d", x, y, z, i, j, k, vertexcolor: colours, hoverinfo: "none", flatshading: false,
    lighting: { ambient: 0.65, diffuse: 0.55, specular: 0.06, roughness: 0.9 }, lightposition: { x: 200, y: 400, z: 300 } };
  const marker = { type: "scatter3d", mode: "markers", x: mark[0], y: mark[1], z: mark[2], hoverinfo: "skip",
    marker: { size: 9, color: "#ffffff", line: { color: "#111111", width: 4 } } };
  const hidden = { visible: false, showspikes: false };
  const layout = { margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "rgba(0,0,0,0)", showlegend: false, uirevision: "same",
    scene: { xaxis: hidden, yaxis: hidden, zaxis: hidden, aspectmode: "data", dragmode: "orbit",
      camera: { up: { x: 0, y: 1, z: 0 }, eye: { x: 1.25, y: 0.6, z: 1.25 }, projection: { type: "orthographic" } } } };
  Plotly.react(id, [surface, marker], layout, { displayModeBar: false, responsive: true });
  if (!scene) {
    scenes[id] = {};
    $(id).on("plotly_click", (event) => pickVertex(scenes[id].mesh, event));
    $(id).on("plotly_hover", (event) => pickVertex(scenes[id].mesh, event));
  }
  scenes[id].mesh = mesh;
}

/** A vertex of a mesh is chosen: the point of the photograph that shows it, or one beside it. */
function pickVertex(mesh, event) {
  const hit = event.points.find((point) => point.curveNumber === 0);
  if (!hit) return;
  const index = hit.pointNumber, vertices = mesh.template.length / 3;
  const photograph = photographs[state.source];
  let best = null, least = Infinity;
  for (let point = photograph.first; point < photograph.first + photograph.points; point++) {
    const shown = nearestVertex(mesh, state.source, ownPlace(point));
    if (shown === null) continue;
    const distance = Math.hypot(...[0, 1, 2].map((k) => mesh.template[3 * shown + k] - mesh.template[3 * index + k]));
    if (distance < least) { least = distance; best = point; }
  }
  const extent = Math.max(...mesh.template) - Math.min(...mesh.template);
  if (best === null || least > 0.08 * extent || index >= vertices) {
    say(`The photograph ${photograph.name} does not show this vertex. Choose another photograph or vertex.`);
    return;
  }
  if (best !== state.point) choose(state.source, best);
}

// Photographs.

function prepared(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2), side = Math.max(canvas.clientWidth, 60) * ratio;
  if (canvas.width !== Math.round(side)) canvas.width = canvas.height = Math.round(side);
  const context = canvas.getContext("2d");
  context.setTransform(canvas.width, 0, 0, canvas.width, 0, 0);
  return context;
}

/** The mesh over a photograph, its far faces first. */
function paintMesh(context, mesh, image) {
  const vertices = mesh.template.length / 3, faces = mesh.faces.length / 3, start = image * vertices;
  const r = mesh.rotation.slice(9 * image, 9 * image + 9), depth = new Float32Array(vertices);
  const turned = new Float32Array(3 * vertices);
  for (let i = 0; i < vertices; i++) {
    for (let k = 0; k < 3; k++) {
      for (let m = 0; m < 3; m++) turned[3 * i + k] += r[3 * k + m] * mesh.deformed[3 * (start + i) + m];
    }
    depth[i] = turned[3 * i + 2];
  }
  const order = Array.from({ length: faces }, (_, face) => face);
  const far = (face) => depth[mesh.faces[3 * face]] + depth[mesh.faces[3 * face + 1]] + depth[mesh.faces[3 * face + 2]];
  order.sort((a, b) => far(a) - far(b));
  const colours = vertexColours(mesh, image);
  context.lineWidth = 0.004;
  context.globalAlpha = 0.85;
  for (const face of order) {
    const corners = [0, 1, 2].map((k) => mesh.faces[3 * face + k]);
    const [a, b, c] = corners.map((v) => [turned[3 * v], turned[3 * v + 1], turned[3 * v + 2]]);
    const normal = [(b[1] - a[1]) * (c[2] - a[2]) - (b[2] - a[2]) * (c[1] - a[1]),
      (b[2] - a[2]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[2] - a[2]), (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])];
    const light = 0.45 + (0.55 * Math.abs(normal[2])) / (Math.hypot(...normal) || 1);
    const mean = [0, 1, 2].map((k) => Math.round((light * (colours[corners[0]][k] + colours[corners[1]][k] + colours[corners[2]][k])) / 3));
    context.fillStyle = context.strokeStyle = `rgb(${mean.join(",")})`;
    context.beginPath();
    corners.forEach((v, n) => {
      const x = mesh.projected[2 * (start + v)], y = mesh.projected[2 * (start + v) + 1];
      if (n) context.lineTo(x, y); else context.moveTo(x, y);
    });
    context.closePath();
    context.fill();
    context.stroke();
  }
  context.globalAlpha = 1;
}

function disc(context, place, radius, fill, line) {
  context.beginPath();
  context.arc(place[0], place[1], radius, 0, 2 * Math.PI);
  if (fill) { context.fillStyle = fill; context.fill(); }
  if (line) { context.strokeStyle = line; context.stroke(); }
}

function paintPhotograph(context, image) {
  context.fillStyle = "#000";
  context.fillRect(0, 0, 1, 1);
  if (photographs[image].image.complete) context.drawImage(photographs[image].image, 0, 0, 1, 1);
  const row = meshRowOf(state.row);
  if (state.view === "mesh" && row) paintMesh(context, row.mesh, image);
}

function drawSource() {
  const canvas = $("source"), context = prepared(canvas), photograph = photographs[state.source];
  paintPhotograph(context, state.source);
  context.lineWidth = 0.004;
  for (let point = photograph.first; point < photograph.first + photograph.points; point++) {
    const annotated = point - photograph.first < photograph.keypoints.length;
    disc(context, ownPlace(point), annotated ? 0.008 : 0.004, annotated ? "#ffd54a" : "rgba(255,255,255,0.75)", "rgba(0,0,0,0.5)");
  }
  context.lineWidth = 0.007;
  disc(context, ownPlace(state.point), 0.02, "#2f7bff", "#ffffff");
  const name = nameOf(state.point);
  $("source-name").textContent = `${photograph.name}${name ? ", " + name.replaceAll("_", " ") : ""}`;
  canvas.setAttribute("aria-label", `Photograph ${photograph.name} with ${photograph.points} points; chosen: ${name || "a point of the surface"}`);
}

function drawTile(tile) {
  const context = prepared(tile.canvas), image = tile.image, name = nameOf(state.point);
  paintPhotograph(context, image);
  const at = truth(name, image);
  const mark = (row, radius, square) => {
    const place = placeOf(row, state.point, image), error = errorOf(row, state.point, name, image);
    const colour = error === null ? "#2f7bff" : error <= content.alpha ? "#2fb457" : "#e53935";
    context.lineWidth = 0.012;
    if (at) {
      context.strokeStyle = colour;
      context.beginPath(); context.moveTo(...place); context.lineTo(...at); context.stroke();
      disc(context, at, 0.03, null, "#ffffff");
    }
    if (square) {
      context.strokeStyle = colour;
      context.lineWidth = 0.018;
      context.strokeRect(place[0] - radius, place[1] - radius, 2 * radius, 2 * radius);
    } else disc(context, place, radius, colour, "#ffffff");
  };
  if (state.other) mark(state.other, 0.035, true);
  mark(state.row, 0.035, false);
  tile.figure.classList.toggle("target", image === state.target);
  tile.figure.dataset.x = placeOf(state.row, state.point, image)[0].toFixed(4);
  tile.figure.dataset.y = placeOf(state.row, state.point, image)[1].toFixed(4);
  const sure = state.row.probability[state.point * count + image], error = errorOf(state.row, state.point, name, image);
  tile.caption.replaceChildren(photographs[image].name + (Number.isNaN(sure) ? "" : `, ${percent(sure)} sure`));
  if (error !== null) {
    const said = document.createElement("span");
    said.className = error <= content.alpha ? "right" : "wrong";
    said.textContent = `${error <= content.alpha ? "right" : "wrong"}, off by ${percent(error)}`;
    tile.caption.append(said);
  }
}

const tiles = photographs.map((photograph, image) => {
  const figure = document.createElement("figure"), canvas = document.createElement("canvas"), caption = document.createElement("figcaption");
  figure.dataset.name = photograph.name;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "button");
  canvas.setAttribute("aria-label", `Match in photograph ${photograph.name}; Enter makes it the source`);
  figure.append(canvas, caption);
  canvas.addEventListener("click", (event) => clickAt(image, event));
  canvas.addEventListener("keydown", (event) => { if (event.key === "Enter") clickPlace(image, placeOf(state.row, state.point, image)); });
  const aim = () => { if (state.target !== image) { state.target = image; drawTargets(); } };
  canvas.addEventListener("mouseenter", aim);
  canvas.addEventListener("focus", aim);
  return { figure, canvas, caption, image };
});

function clickAt(image, event) {
  const box = event.currentTarget.getBoundingClientRect();
  clickPlace(image, [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
}

/** The point nearest to a place becomes the chosen one. */
function clickPlace(image, place) {
  const photograph = photographs[image];
  let best = photograph.first, least = Infinity;
  for (let point = photograph.first; point < photograph.first + photograph.points; point++) {
    const at = ownPlace(point), distance = Math.hypot(at[0] - place[0], at[1] - place[1]);
    if (distance < least) { least = distance; best = point; }
  }
  choose(image, best);
}

function choose(image, point) {
  if (image !== state.source && state.target === image) state.target = state.source;
  state.source = image;
  state.point = point;
  draw();
}

// The page.

function say(text) { $("said").textContent = text; }

function summary() {
  const name = nameOf(state.point), errors = [];
  for (let image = 0; image < count; image++) {
    const error = image === state.source ? null : errorOf(state.row, state.point, name, image);
    if (error !== null) errors.push(error);
  }
  const what = name ? `keypoint ${name.replaceAll("_", " ")}` : "a point of the surface, which has no annotation";
  const right = errors.filter((error) => error <= content.alpha).length;
  const judged = errors.length ? ` ${state.row.title} finds it in ${right} of ${errors.length} photographs to ${percent(content.alpha)} of the object.` : "";
  return `${photographs[state.source].name}: ${what}.${judged}`;
}

function sorted() {
  const name = nameOf(state.point), shown = tiles.filter((tile) => tile.image !== state.source);
  const sure = (tile) => { const p = state.row.probability[state.point * count + tile.image]; return Number.isNaN(p) ? 1 : p; };
  const error = (tile) => errorOf(state.row, state.point, name, tile.image) ?? -1;
  if (state.sort === "probability") shown.sort((a, b) => sure(a) - sure(b));
  if (state.sort === "error") shown.sort((a, b) => error(b) - error(a));
  return shown;
}

function drawTargets() {
  for (const tile of tiles) tile.figure.classList.toggle("target", tile.image === state.target);
  const row = meshRowOf(state.row);
  if (!row) return;
  // Beside another row its mesh of the same photograph is shown, else the mesh of the target.
  const other = state.other && state.other.mesh ? state.other : null;
  const shown = other || row, image = other ? state.source : state.target;
  const kept = state.vertex;
  const index = nearestVertex(shown.mesh, state.source, ownPlace(state.point));
  state.vertex = index === null ? null : { mesh: shown.mesh, index };
  drawScene("instance", shown.mesh, image, 1);
  state.vertex = kept;
  $("instance-name").textContent = `${shown.title}: instance of ${photographs[image].name}`;
}

function drawTemplate() {
  const row = meshRowOf(state.row);
  if (!row) return;
  const index = nearestVertex(row.mesh, state.source, ownPlace(state.point));
  state.vertex = index === null ? null : { mesh: row.mesh, index };
  $("template").dataset.vertex = index;
  drawScene("template", row.mesh, state.source, Number($("morph").value));
  const scale = state.colour === "error" ? `; dark: 0, yellow: ${percent(2 * content.alpha)} of the object or more, grey: no keypoint near` : "";
  $("template-name").textContent = `${row.title}: template, vertex ${index}${scale}`;
}

function drawKeypoints() {
  const photograph = photographs[state.source];
  $("keypoints").replaceChildren(...photograph.keypoints.map((name, position) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name.replaceAll("_", " ");
    button.setAttribute("aria-pressed", String(photograph.first + position === state.point));
    button.addEventListener("click", () => choose(state.source, photograph.first + position));
    return button;
  }));
}

function drawWorst() {
  const found = [];
  photographs.forEach((photograph, image) => photograph.keypoints.forEach((name, position) => {
    for (let target = 0; target < count; target++) {
      if (target === image) continue;
      const error = errorOf(state.row, photograph.first + position, name, target);
      if (error !== null && error > content.alpha) found.push({ error, image, target, point: photograph.first + position, name });
    }
  }));
  found.sort((a, b) => b.error - a.error);
  $("worst").replaceChildren(...found.slice(0, 40).map((one) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${photographs[one.image].name} → ${photographs[one.target].name}: ${one.name.replaceAll("_", " ")}, ${percent(one.error)}`;
    button.addEventListener("click", () => { state.target = one.target; choose(one.image, one.point); tiles[one.target].figure.scrollIntoView({ block: "nearest" }); });
    return button;
  }));
}

function draw() {
  drawSource();
  drawKeypoints();
  const shown = sorted();
  $("tiles").replaceChildren(...shown.map((tile) => tile.figure));
  shown.forEach(drawTile);
  drawTemplate();
  drawTargets();
  say(summary());
}

for (const row of content.rows) {
  const label = document.createElement("label"), input = document.createElement("input");
  input.type = "radio";
  input.name = "row";
  input.value = row.name;
  input.checked = row === state.row;
  input.addEventListener("change", () => { state.row = row; drawWorst(); draw(); });
  label.append(input, row.pck === null ? ` ${row.title}` : ` ${row.title} (PCK ${(100 * row.pck).toFixed(1)})`);
  $("rows").append(label);
  $("other").append(new Option(row.title, row.name));
}
$("other").prepend(new Option("no other", "", true, true));
$("other").addEventListener("change", (event) => { state.other = content.rows.find((row) => row.name === event.target.value) || null; draw(); });
for (const key of ["view", "colour", "sort"]) $(key).addEventListener("change", (event) => { state[key] = event.target.value; draw(); });
$("morph").addEventListener("input", drawTemplate);
$("source").addEventListener("click", (event) => clickAt(state.source, event));
$("source").addEventListener("keydown", (event) => {
  const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!direction) return;
  event.preventDefault();
  const photograph = photographs[state.source], from = ownPlace(state.point);
  let best = null, least = Infinity;
  for (let point = photograph.first; point < photograph.first + photograph.points; point++) {
    const at = ownPlace(point), ahead = (at[0] - from[0]) * direction[0] + (at[1] - from[1]) * direction[1];
    const aside = Math.abs((at[0] - from[0]) * direction[1]) + Math.abs((at[1] - from[1]) * direction[0]);
    if (ahead > 1e-6 && ahead + 2 * aside < least) { least = ahead + 2 * aside; best = point; }
  }
  if (best !== null) choose(state.source, best);
});
if (!meshRows.length) for (const id of ["template", "instance", "morph"]) $(id).closest("figure, label").hidden = true;
window.addEventListener("resize", () => { drawSource(); tiles.filter((tile) => tile.image !== state.source).forEach(drawTile); });

drawWorst();
Promise.all(photographs.map((photograph) => photograph.image.decode())).then(() => {
  draw();
  document.body.dataset.ready = "true";
});
