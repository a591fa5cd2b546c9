// Keeps the live page moving, and replays the sale. What the page shows is a function of one moment
// and of the recorded seconds up to it; only the moment differs between live and replay.
"use strict";

(() => {
  const page = document.getElementById("sale");
  const of = (id) => document.getElementById(id);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // The columns of a recorded second, as the server sends them. From CONFIRMED on, they only grow.
  const [AT, MAX_SEATS, TAKEN, WAITING, CONFIRMED, WAITLISTED, PROMOTED, CANCELLED] = [0, 1, 2, 3, 4, 5, 6, 7];
  const REFUSALS = { fully_booked: 8, already_booked: 9, booking_not_open: 10, event_cancelled: 11, refused_otherwise: 12 };
  const NOTHING = Array(13).fill(0);

  const MOST_PAGES = 12;
  const LATEST_COUNT = 120;
  const LONGEST_PAUSE = 3; // seconds of silence that a replay keeps; the rest is skipped
  const QUIET_SECONDS = 120; // how far the chart goes on after the last recorded second
  const MOST_POINTS = 500;
  const READERS_SECONDS = 20;
  const TABLE_ROWS = 20;
  const TABLE_SECONDS = 5;

  const rows = [];
  const offsets = []; // when each row comes in a replay, in seconds
  let now = null; // the last answer about the present
  let ahead = 0; // the server's clock minus ours
  let opens = Number(page.dataset.opens);

  const clock = () => Date.now() / 1000 + ahead;
  const last = () => (rows.length ? rows[rows.length - 1][AT] : 0);

  function add(seconds) {
    for (const row of seconds) {
      if (row[AT] > last()) {
        const pause = rows.length ? Math.min(row[AT] - last(), LONGEST_PAUSE) : 0;
        offsets.push((offsets[offsets.length - 1] ?? 0) + pause);
        rows.push(row);
      } else if (row[AT] === last()) {
        rows[rows.length - 1] = row; // another process has added to it
      }
    }
  }

  // The index of the last value that is at most `limit`; -1 if there is none.
  function indexUpTo(values, limit, read = (value) => value) {
    let low = 0;
    let high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (read(values[middle]) <= limit) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  const rowAt = (moment) => rows[indexUpTo(rows, moment, (row) => row[AT])] ?? NOTHING;
  const refused = (row) => Object.values(REFUSALS).reduce((sum, column) => sum + row[column], 0);

  // ---- What is shown ------------------------------------------------------------------------

  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const language = document.documentElement.lang;
  const zone = page.dataset.zone;
  const numbers = new Intl.NumberFormat(language, { numberingSystem: "latn" });
  const times = new Intl.DateTimeFormat(language, { timeStyle: "medium", timeZone: zone, numberingSystem: "latn", hourCycle: "h23" });
  const dates = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: zone, numberingSystem: "latn" });
  const time = (moment) => times.format(moment * 1000);

  function show(id, value) {
    const text = typeof value === "number" ? numbers.format(value) : value;
    if (of(id).textContent !== text) of(id).textContent = text;
  }

  function figures(moment, current) {
    const row = rowAt(moment);
    const before = rowAt(moment - 5);
    const rate = (row[CONFIRMED] + row[WAITLISTED] - before[CONFIRMED] - before[WAITLISTED]) / 5;
    const { max_seats, seats_taken, waiting } = current ?? { max_seats: row[MAX_SEATS], seats_taken: row[TAKEN], waiting: row[WAITING] };
    show("seats_taken", seats_taken);
    show("max_seats", max_seats);
    show("waiting", waiting);
    show("promoted", row[PROMOTED]);
    show("rate", rate >= 10 ? Math.round(rate) : Math.round(rate * 10) / 10);
    of("bar").max = Math.max(max_seats, 1);
    of("bar").value = seats_taken;
    const all = refused(row);
    show("refused", all);
    of("none-refused").hidden = all > 0;
    for (const [code, column] of Object.entries(REFUSALS)) {
      const line = page.querySelector(`[data-refusal="${code}"]`);
      line.hidden = row[column] === 0;
      line.querySelector("progress").max = all || 1;
      line.querySelector("progress").value = row[column];
      line.querySelector("dd span").textContent = numbers.format(row[column]);
    }
    show("clock", time(moment));
  }

  let told = 0;
  function tellReaders() {
    if (!now || Date.now() - told < READERS_SECONDS * 1000) return;
    told = Date.now();
    show("summary", of("summary").dataset.text.replace("{taken}", now.seats_taken).replace("{seats}", now.max_seats).replace("{waiting}", now.waiting));
  }

  let tabled = 0;
  function table() {
    if (!rows.length || Date.now() - tabled < TABLE_SECONDS * 1000) return;
    tabled = Date.now();
    const step = Math.ceil(rows.length / TABLE_ROWS);
    const shown = rows.filter((_, index) => (rows.length - 1 - index) % step === 0).reverse();
    of("table").hidden = false;
    of("table").querySelector("tbody").replaceChildren(...shown.map((row) => {
      const line = document.createElement("tr");
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = isLong() ? `${dates.format(row[AT] * 1000)} ${time(row[AT])}` : time(row[AT]);
      line.append(head);
      const taken = `${numbers.format(row[TAKEN])} / ${numbers.format(row[MAX_SEATS])}`;
      for (const value of [taken, row[WAITING], row[PROMOTED], row[CANCELLED], refused(row)]) {
        line.insertCell().textContent = typeof value === "number" ? numbers.format(value) : value;
      }
      return line;
    }));
  }

  // ---- Charts -------------------------------------------------------------------------------

  let filling = null;
  let pace = null;

  function makeCharts() {
    Chart.defaults.color = colour("quiet");
    Chart.defaults.borderColor = colour("line");
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Chart.defaults.font.size = parseFloat(getComputedStyle(document.body).fontSize) * 0.8;
    Chart.defaults.animation = false;
    Chart.defaults.maintainAspectRatio = false;
    Chart.defaults.plugins.legend.labels.boxWidth = 18;
    Chart.defaults.plugins.legend.labels.boxHeight = 3;
    Chart.defaults.plugins.legend.position = "bottom";
    const words = of("filling").dataset;
    const line = (label, name, more) => ({ label, data: [], borderColor: colour(name), backgroundColor: `${colour(name)}33`, borderWidth: 3, pointRadius: 0, stepped: true, ...more });
    filling = new Chart(of("filling"), {
      type: "line",
      data: {
        datasets: [
          line(words.seats, "seats", { fill: "origin" }),
          line(words.waiting, "waiting"),
          line(words.capacity, "quiet", { borderDash: [6, 6], borderWidth: 2 }),
        ],
      },
      options: {
        parsing: false,
        interaction: { mode: "index", intersect: false },
        scales: {
          x: { type: "linear", grid: { display: false }, ticks: { maxTicksLimit: 6, maxRotation: 0, callback: (value) => (rows.length ? axisTime(value) : "") } },
          y: { beginAtZero: true, ticks: { precision: 0, maxTicksLimit: 6 } },
        },
        plugins: { tooltip: { callbacks: { title: ([item]) => time(item.parsed.x) } } },
      },
    });
    const labels = of("pace").dataset;
    const bar = (label, name) => ({ label, data: [], backgroundColor: colour(name), barPercentage: 1, categoryPercentage: 0.9 });
    pace = new Chart(of("pace"), {
      type: "bar",
      data: {
        labels: Array.from({ length: 60 }, (_, index) => (index === 59 ? labels.now : `−${59 - index} s`)),
        datasets: [bar(labels.confirmed, "seats"), bar(labels.waitlisted, "waiting"), bar(labels.promoted, "promoted"), bar(labels.refused, "refused")],
      },
      options: {
        scales: {
          x: { stacked: true, grid: { display: false }, ticks: { maxTicksLimit: 4, maxRotation: 0 } },
          y: { stacked: true, beginAtZero: true, suggestedMax: 5, ticks: { precision: 0, maxTicksLimit: 4 } },
        },
      },
    });
  }

  const isLong = () => last() - rows[0][AT] > 86400;
  const axisTime = (moment) => (isLong() ? dates.format(moment * 1000) : time(moment));

  function charts(moment, current) {
    const shown = rows.slice(0, indexUpTo(rows, moment, (row) => row[AT]) + 1);
    const step = Math.ceil(shown.length / MOST_POINTS) || 1;
    const points = shown.filter((_, index) => index % step === 0 || index === shown.length - 1);
    const first = rows[0];
    const begin = first[AT] - 1;
    const end_ = Math.max(replaying ? last() : Math.min(moment, last() + QUIET_SECONDS), begin + 30);
    const latest = points[points.length - 1] ?? first;
    const seats = current?.max_seats ?? latest[MAX_SEATS];
    const line = (column, before, value) => [
      { x: begin, y: before },
      ...points.map((row) => ({ x: row[AT], y: row[column] })),
      { x: Math.min(Math.max(moment, latest[AT]), end_), y: value },
    ];
    const before = Math.max(0, first[TAKEN] - first[CONFIRMED] - first[PROMOTED]);
    filling.data.datasets[0].data = line(TAKEN, before, current?.seats_taken ?? latest[TAKEN]);
    filling.data.datasets[1].data = line(WAITING, 0, current?.waiting ?? latest[WAITING]);
    filling.data.datasets[2].data = [...line(MAX_SEATS, first[MAX_SEATS], seats), { x: end_, y: seats }];
    filling.options.scales.x.min = begin;
    filling.options.scales.x.max = end_;
    filling.update("none");
    const second = Math.floor(moment);
    const stands = Array.from({ length: 61 }, (_, index) => rowAt(second - 60 + index));
    const change = (read) => stands.slice(1).map((row, index) => read(row) - read(stands[index]));
    [(row) => row[CONFIRMED], (row) => row[WAITLISTED], (row) => row[PROMOTED], refused].forEach((read, index) => {
      pace.data.datasets[index].data = change(read);
    });
    pace.update("none");
  }

  // ---- Live ---------------------------------------------------------------------------------

  let replaying = false;
  let failures = 0;
  let timer = 0;

  async function ask(address, since) {
    const answer = await fetch(`${address}?since=${since}`, { credentials: "omit", headers: { Accept: "application/json" }, signal: AbortSignal.timeout(15000) });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json();
  }

  async function loadRecorded() {
    for (let page_ = 0, more = true; more && page_ < MOST_PAGES; page_ += 1) {
      const answer = await ask(page.dataset.history, last());
      add(answer.seconds);
      more = answer.more;
    }
  }

  async function refresh() {
    if (now === null) await loadRecorded();
    // Again from the last second: until it was over, others may have added to it.
    const answer = await ask(page.dataset.live, Math.max(last() - 1, 0));
    if (answer.seconds.length === LATEST_COUNT && rows.length) await loadRecorded();
    add(answer.seconds);
    now = answer;
    ahead = answer.now - Date.now() / 1000;
  }

  async function keepAsking() {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      await refresh();
      failures = 0;
    } catch {
      failures += 1;
    }
    of("lost").hidden = failures < 2;
    clearTimeout(timer);
    const pause = failures ? Math.min(2 ** failures, 30) : now.every;
    timer = setTimeout(keepAsking, pause * 1000 * (0.9 + 0.2 * Math.random()));
  }

  // A second is complete when the processes have written it and the next answer has brought it.
  const liveMoment = () => clock() - (now.every + 1.5);

  function tick() {
    if (now === null) return;
    for (const state of page.querySelectorAll("[data-state]")) state.hidden = state.dataset.state !== now.state;
    const left = opens - clock();
    of("countdown").hidden = !(now.state === "upcoming" && left > 0);
    of("countdown").querySelector("strong").textContent = countdown(left);
    of("empty").hidden = rows.length > 0;
    of("charts").hidden = rows.length === 0;
    of("replay").hidden = rows.length === 0;
    tellReaders();
    table();
    if (replaying) return;
    const moment = liveMoment();
    const current = moment >= last() ? now : null;
    figures(moment, current);
    if (rows.length) charts(moment, current);
    of("position").max = Math.ceil(offsets[offsets.length - 1] ?? 0);
    of("position").value = of("position").max;
  }

  function countdown(left) {
    const seconds = Math.max(0, Math.ceil(left));
    const days = Math.floor(seconds / 86400);
    const pair = (value) => String(value).padStart(2, "0");
    const clock_ = `${pair(Math.floor(seconds / 3600) % 24)}:${pair(Math.floor(seconds / 60) % 60)}:${pair(seconds % 60)}`;
    return days ? `${new Intl.NumberFormat(language, { style: "unit", unit: "day", unitDisplay: "long", numberingSystem: "latn" }).format(days)} ${clock_}` : clock_;
  }

  // ---- Replay -------------------------------------------------------------------------------

  let position = 0; // in seconds of the replay
  let drawn = 0;
  let stepped = 0;
  let playing = false;

  const end = () => offsets[offsets.length - 1] ?? 0;

  function replayMoment() {
    const index = Math.max(0, indexUpTo(offsets, position));
    return rows[index][AT] + Math.min(position - offsets[index], LONGEST_PAUSE);
  }

  function drawReplay() {
    figures(replayMoment(), null);
    charts(replayMoment(), null);
    of("position").max = Math.ceil(end());
    of("position").value = position;
    of("position").setAttribute("aria-valuetext", `${dates.format(replayMoment() * 1000)} ${time(replayMoment())}`);
  }

  function setPlaying(on) {
    playing = on;
    of("play").setAttribute("aria-pressed", String(on));
    of("play").querySelector(".when-on").hidden = !on;
    of("play").querySelector(".when-off").hidden = on;
    if (on) {
      stepped = performance.now();
      requestAnimationFrame(frame);
    }
  }

  function setReplaying(on) {
    replaying = on;
    of("mode-live").hidden = on;
    of("mode-replay").hidden = !on;
    of("back").hidden = !on;
    page.querySelector(".state").hidden = on; // that of now, not of then
    if (!on) {
      setPlaying(false);
      tick();
    }
  }

  function frame(moment) {
    if (!playing) return;
    position = Math.min(end(), position + (Math.max(0, moment - stepped) / 1000) * Number(of("speed").value));
    stepped = moment;
    if (moment - drawn > (calm ? 1000 : 100) || position >= end()) {
      drawn = moment;
      drawReplay();
    }
    if (position >= end()) setPlaying(false);
    else requestAnimationFrame(frame);
  }

  of("play").addEventListener("click", () => {
    if (!replaying || position >= end()) position = 0;
    setReplaying(true);
    setPlaying(!playing);
  });
  of("position").addEventListener("input", () => {
    position = Math.min(Number(of("position").value), end());
    setReplaying(true);
    drawReplay();
  });
  of("back").addEventListener("click", () => setReplaying(false));

  // ---- Start --------------------------------------------------------------------------------

  makeCharts();
  document.addEventListener("visibilitychange", keepAsking);
  setInterval(tick, 1000);
  keepAsking().then(tick);
})();
