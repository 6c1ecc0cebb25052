// The search page. What is asked for stands in the address (query, channel, facets), so that back, forward and reload show it again.
// What the server answers is data: it is written by textContent alone.
"use strict";

const usualCount = 24, mostResults = 1000, longestShown = 300;
const part = (id) => document.getElementById(id);
const form = part("search");
const keyPlace = "argosy-key";  // in sessionStorage: gone with the window
let underWay = null;  // an AbortController: a newer search ends the one before

// ---- What is asked for, and the address that says so: /?q=..&channel=..&k=..&restrict=0&live=1&f.brand=Nike&f.brand=Puma

function asked() {
  const given = new URLSearchParams(location.search);
  const chosen = new Map();
  for (const [name, value] of given) {
    if (!name.startsWith("f.")) continue;
    const field = name.slice(2);
    chosen.set(field, (chosen.get(field) ?? new Set()).add(value));
  }
  return {
    q: given.get("q") ?? "",
    channel: given.get("channel") ?? "",
    k: Number(given.get("k")) || usualCount,
    restrict: given.get("restrict") !== "0",
    live: given.get("live") === "1",
    chosen,
  };
}

function addressOf(what) {
  const given = new URLSearchParams({ q: what.q });
  if (what.channel) given.set("channel", what.channel);
  if (what.k !== usualCount) given.set("k", what.k);
  if (!what.restrict) given.set("restrict", "0");
  if (what.live) given.set("live", "1");
  for (const [field, values] of what.chosen) for (const value of values) given.append("f." + field, value);
  return "/?" + given;
}

function go(what) {
  history.pushState(null, "", addressOf(what));
  show();
}

// ---- Questions to the server

const quoted = (text) => '"' + text.replace(/["\\]/g, "\\$&") + '"';

// Values of one field: any of them; fields: all of them.
function filterOf(chosen, without) {
  const conditions = [];
  for (const [field, values] of chosen)
    if (field !== without && values.size > 0) conditions.push(quoted(field) + ":(" + [...values].map(quoted).join(" OR ") + ")");
  return conditions.join(" AND ");
}

function parametersOf(what, k, without) {
  const given = new URLSearchParams({ q: what.q, k, facets: "1" });
  const filter = filterOf(what.chosen, without);
  if (filter) given.set("filter", filter);
  if (what.channel) given.set("channel", what.channel);
  if (!what.restrict) given.set("restrict", "0");
  if (what.live) given.set("live", "1");
  return given;
}

function headers() {
  const key = sessionStorage.getItem(keyPlace);
  return key ? { Authorization: "Bearer " + key } : {};
}

async function ask(path, signal) {
  let response;
  try {
    response = await fetch(path, { signal, headers: headers() });
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new Error("The server does not answer.");
  }
  if (response.status === 401) askForKey();
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const why = answer.error ?? "HTTP " + response.status;
  const wait = response.headers.get("Retry-After");
  const failure = new Error(wait ? `${why}. Try again in ${wait} s.` : why);
  failure.parameter = answer.parameter;
  throw failure;
}

// An <img> sends no key: where there is one, the photograph is fetched.
async function showPhotograph(image, path) {
  if (!sessionStorage.getItem(keyPlace)) {
    image.src = path;
    return;
  }
  const response = await fetch(path, { headers: headers() }).catch(() => null);
  if (!response?.ok) {
    image.dispatchEvent(new Event("error"));
    return;
  }
  image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  image.loading = "eager";
  image.src = URL.createObjectURL(await response.blob());
}

// A field that is narrowed shows what else it could be narrowed to: its values are counted without its own part of the filter.
async function facetsOf(what, answer, signal) {
  const facets = new Map(answer.facets.map((one) => [one.field, one.values]));
  const narrowed = [...what.chosen.keys()];
  const others = await Promise.all(narrowed.map((field) => ask("/v1/search?" + parametersOf(what, 1, field), signal)));
  narrowed.forEach((field, i) => {
    const values = [...(others[i].facets.find((one) => one.field === field)?.values ?? [])];
    const listed = facets.get(field) ?? [];
    for (const value of what.chosen.get(field)) {
      if (!values.some((one) => one.value === value)) values.push(listed.find((one) => one.value === value) ?? { value, count: 0 });
    }
    facets.set(field, values);
  });
  return facets;
}

// ---- What is shown

const copyOf = (id) => part(id).content.firstElementChild.cloneNode(true);
const counted = (n, one, many) => `${n} ${n === 1 ? one : many}`;

function showForm(what) {
  form.elements.q.value = what.q;
  form.elements.channel.value = what.channel;
  form.elements.restrict.checked = what.restrict;
  form.elements.live.checked = what.live;
  document.title = what.q ? what.q + " - Argosy" : "Argosy";
}

function showSaid(answer, narrowed) {
  const found = answer.results.length;
  const milliseconds = (answer.seconds * 1000).toFixed(1);
  const how = `${milliseconds} ms, from the ${answer.source}, generation ${answer.generation}`;
  const nothing = narrowed ? "No product is left: take a facet away" : "No product was found";
  part("said").textContent = `${found > 0 ? counted(found, "product", "products") : nothing} (${how})`;
  const names = answer.restricted.map((one) => `“${one.text}” stands for ${one.field}: ${one.values.join(", ")}`);
  part("restricted").textContent = names.join("; ");
  part("restricted").hidden = names.length === 0;
}

function showFacets(facets, what) {
  const focused = document.activeElement;
  const sets = [...facets].map(([field, values]) => {
    const set = copyOf("facet");
    set.querySelector("legend").textContent = field;
    for (const { value, count } of values) set.append(facetValue(field, value, count, what));
    return set;
  });
  part("fields").replaceChildren(...sets);
  part("clear").hidden = what.chosen.size === 0;
  const again = [...part("fields").querySelectorAll("input")].find((one) => one.name === focused?.name && one.value === focused?.value);
  again?.focus();
}

function facetValue(field, value, count, what) {
  const label = copyOf("value");
  const box = label.querySelector("input");
  box.name = field;
  box.value = value;
  box.checked = what.chosen.get(field)?.has(value) ?? false;
  label.querySelector(".value").textContent = value;
  label.querySelector(".count").textContent = count;
  box.addEventListener("change", () => narrow(field, value, box.checked));
  return label;
}

function cardOf(result, answer) {
  const card = copyOf("card");
  card.dataset.product = result.id;
  const image = card.querySelector("img");
  image.addEventListener("error", () => {
    image.hidden = true;
    image.nextElementSibling.hidden = false;
  });
  image.alt = result.title ? "" : "Photograph of product " + result.id;
  showPhotograph(image, `/v1/products/${encodeURIComponent(result.id)}/image`);
  card.querySelector("h2").textContent = result.title || result.id;
  card.querySelector(".short").textContent = `${result.score.toFixed(3)}, ${result.channels.join(" + ")}${result.within ? "" : ", beyond"}`;
  const why = card.querySelector(".why");
  why.querySelector("summary").setAttribute("aria-label", "Why " + (result.title || result.id));
  why.addEventListener("toggle", () => showWhy(why, result, answer), { once: true });
  return card;
}

function say(list, term, text) {
  const [pair, dt, dd] = ["div", "dt", "dd"].map((name) => document.createElement(name));
  dt.textContent = term;
  dd.textContent = text.length > longestShown ? text.slice(0, longestShown) + "…" : text;
  pair.append(dt, dd);
  list.append(pair);
  return dd;
}

function sayWeights(list, weights) {
  const percent = Math.round(weights.image * 100);
  const meter = document.createElement("meter");
  meter.value = weights.image;
  meter.setAttribute("aria-label", "share of the photograph");
  say(list, "The model weighs", `title ${100 - percent} %, photograph ${percent} %`).append(meter);
}

async function showWhy(why, result, answer) {
  const list = why.querySelector("dl");
  say(list, "Found by", result.channels.join(" and "));
  say(list, "Score", String(result.score));
  if (answer.restricted.length > 0) {
    const names = answer.restricted.map((one) => `${one.field}: ${one.values.join(", ")}`).join("; ");
    say(list, result.within ? "Has what the query names" : "Has not all that the query names, follows those that do", names);
  }
  say(list, "Product", result.id);
  try {
    const product = await ask("/v1/products/" + encodeURIComponent(result.id));
    if (product.weights) sayWeights(list, product.weights);
    for (const [field, values] of Object.entries(product.fields ?? {})) say(list, field, values.join(", "));
    if (product.not_kept) say(list, "Not kept", product.not_kept);
  } catch (failure) {
    say(list, "Fields", failure.message);
  }
}

function askForKey() {
  part("key").hidden = false;
  part("typed-key").focus();
}

function showFailure(failure) {
  part("results").replaceChildren();
  part("said").textContent = "";
  part("restricted").hidden = true;
  part("more").hidden = true;
  part("failure").hidden = false;
  part("failure").querySelector("p").textContent = failure.message;
  form.elements.q.setAttribute("aria-invalid", String(failure.parameter === "q"));
}

function showAnswer(what, answer, facets) {
  part("failure").hidden = true;
  part("key").hidden = true;
  form.elements.q.removeAttribute("aria-invalid");
  showSaid(answer, what.chosen.size > 0);
  showFacets(facets, what);
  part("results").replaceChildren(...answer.results.map((one) => cardOf(one, answer)));
  part("more").hidden = answer.results.length < what.k || what.k >= mostResults;
}

async function show() {
  const what = asked();
  showForm(what);
  underWay?.abort();
  underWay = new AbortController();
  const { signal } = underWay;
  if (!what.q) {
    part("results").replaceChildren();
    part("fields").replaceChildren();
    for (const id of ["restricted", "failure", "more", "clear"]) part(id).hidden = true;
    part("results").classList.remove("stale");
    part("said").textContent = "";
    return;
  }
  part("results").classList.add("stale");
  try {
    const answer = await ask("/v1/search?" + parametersOf(what, what.k), signal);
    const facets = await facetsOf(what, answer, signal);
    if (!signal.aborted) showAnswer(what, answer, facets);
  } catch (failure) {
    if (signal.aborted) return;
    showFailure(failure);
  }
  part("results").classList.remove("stale");
}

// ---- What the user does

function narrow(field, value, wanted) {
  const what = asked();
  const values = what.chosen.get(field) ?? new Set();
  if (wanted) values.add(value);
  else values.delete(value);
  if (values.size > 0) what.chosen.set(field, values);
  else what.chosen.delete(field);
  go({ ...what, k: usualCount });
}

// Another query begins without facets.
function submit() {
  const before = asked(), q = form.elements.q.value.trim();
  go({
    q,
    channel: form.elements.channel.value,
    k: usualCount,
    restrict: form.elements.restrict.checked,
    live: form.elements.live.checked,
    chosen: q === before.q ? before.chosen : new Map(),
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
for (const name of ["channel", "restrict", "live"]) form.elements[name].addEventListener("change", () => form.elements.q.value.trim() && submit());
part("clear").addEventListener("click", () => go({ ...asked(), chosen: new Map() }));
part("more").addEventListener("click", () => go({ ...asked(), k: Math.min(asked().k * 2, mostResults) }));
part("key").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(keyPlace, part("typed-key").value.trim());
  part("typed-key").value = "";
  part("key").hidden = true;
  show();
});
part("failure").querySelector("button").addEventListener("click", show);
window.addEventListener("popstate", show);
if (window.matchMedia("(max-width: 45rem)").matches) part("facets").open = false;
show();
