// The HTML report in Debian's Chromium: it draws, asks nothing of a network, and shows the figures of the JSON.
// Environment: LGEN_BIN_DIR (the programs), LGEN_TEST_DATA, LGEN_BROWSER_PACKAGES (where node_modules is), and
// LGEN_SCREENSHOTS, a folder to leave pictures in (optional).
"use strict";
const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { after, before, test } = require("node:test");
const { start, stop, withPage } = require("./chromium.js");

const lgen = path.join(process.env.LGEN_BIN_DIR, "lgen");
const data = path.join(process.env.LGEN_TEST_DATA, "report");
const here = fs.mkdtempSync(path.join(os.tmpdir(), "lgen-report-"));
const pictures = process.env.LGEN_SCREENSHOTS;

/** {json, html, url}: a real run with calls and streams against a stand-in cluster, and two summaries made by hand. */
const runs = {};

function add(name, json) {
  const html = path.join(here, `${name}.html`);
  execFileSync(lgen, ["report", json, "--out", `html=${html}`]);
  runs[name] = { json: JSON.parse(fs.readFileSync(json, "utf8")), html, url: `file://${html}` };
}

before(async () => {
  const json = path.join(here, "real.json");
  execFileSync(lgen, [path.join(__dirname, "mixed.lua"), "--local=pods=3,balance=stream", "--quiet", "--out", `json=${json}`],
    { stdio: "ignore" });
  add("real", json);
  const web = path.join(here, "web.json");
  execFileSync(lgen, [path.join(__dirname, "web.lua"), "--local=pods=1", "--quiet", "--validity", "warn", "--out", `json=${web}`],
    { stdio: "ignore" });
  add("web", web);
  const warm = path.join(here, "warm.json");
  execFileSync(lgen, [path.join(__dirname, "warm.lua"), "--quiet", "--allow-failures", "--out", `json=${warm}`], { stdio: "ignore" });
  add("warm", warm);
  add("good", path.join(data, "summary_good.json"));
  add("bad", path.join(data, "summary_bad.json"));
  await start();
});

after(async () => {
  await stop();
  fs.rmSync(here, { recursive: true, force: true });
});

/** The text of a figure as the page must have it. */
const value = (page, id) => page.locator(`[data-figure="${id}"]`).getAttribute("data-value").then(Number);

/** Colours that a canvas shows; an empty one has a single colour. */
const colours = (page) => page.evaluate(() => Object.fromEntries([...document.querySelectorAll("figure.chart")].map((figure) => {
  const canvas = figure.querySelector("canvas");
  const { data: bytes } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let i = 0; i < bytes.length; i += 4) if (bytes[i + 3] > 0) seen.add((bytes[i] << 16) | (bytes[i + 1] << 8) | bytes[i + 2]);
  return [figure.id, seen.size];
})));

for (const name of ["real", "web", "warm", "good", "bad"]) {
  for (const [width, scheme] of [[1280, "light"], [390, "dark"], [360, "light"], [1280, "dark"]]) {
    test(`the page of the ${name} run at ${width} px, ${scheme}: drawn, quiet, offline, no wider than the screen`, async () => {
      await withPage({ width, scheme }, async (page, seen) => {
        await page.goto(runs[name].url);
        assert.deepEqual(seen.complaints, []);
        assert.deepEqual(seen.requests, [runs[name].url]);
        const drawn = await colours(page);
        assert.ok(Object.keys(drawn).length >= 3, `charts: ${Object.keys(drawn)}`);
        for (const [id, count] of Object.entries(drawn)) assert.ok(count > 8, `${id} shows ${count} colours`);
        const [wide, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
        assert.ok(wide <= inner, `${wide} px on a screen of ${inner}`);
        if (pictures) await page.screenshot({ path: path.join(pictures, `${name}-${width}-${scheme}.png`), fullPage: true });
      });
    });
  }
}

test("the figures on the page are those of the JSON", async () => {
  await withPage({}, async (page) => {
    await page.goto(runs.real.url);
    const { metrics, channels, checks } = runs.real.json;
    assert.equal(await value(page, "calls"), metrics.grpc_calls.total.value);
    assert.equal(await value(page, "p50"), metrics.grpc_call_duration_seconds.total.med);
    assert.equal(await value(page, "p95"), metrics.grpc_call_duration_seconds.total.p95);
    assert.equal(await value(page, "p99"), metrics.grpc_call_duration_seconds.total.p99);
    assert.equal(await value(page, "streams"), metrics.grpc_streams_opened.total.value);
    assert.equal(await value(page, "messages_sent"), metrics.grpc_messages_sent.total.value);
    assert.equal(await value(page, "messages_received"), metrics.grpc_messages_received.total.value);
    assert.equal(await value(page, "connections"), channels.reduce((sum, channel) => sum + channel.connections, 0));
    const row = await page.locator("#latency tbody tr").nth(1).locator("td").evaluateAll((cells) => cells.map((cell) => Number(cell.dataset.value)));
    const { count, min, avg, med, p90, p95, p99, max } = metrics.grpc_call_duration_seconds.total;
    assert.deepEqual(row.map((x) => x.toPrecision(9)), [count, min, avg, med, p90, p95, p99, max].map((x) => x.toPrecision(9)));
    const text = await page.locator("#judged").innerText();
    for (const check of checks) assert.ok(text.includes(check.name), check.name);
  });
});

test("a run over HTTP shows its status codes, response times and connections", async () => {
  await withPage({}, async (page) => {
    await page.goto(runs.web.url);
    const { metrics, channels, first_calls: cold } = runs.web.json;
    const requests = metrics.http_requests.total.value;
    assert.equal(await value(page, "requests"), requests);
    assert.equal(await value(page, "p50"), metrics.http_request_duration_seconds.total.med);
    assert.equal(await value(page, "p99"), metrics.http_request_duration_seconds.total.p99);
    assert.equal(await value(page, "connections"), channels[0].connections);
    const drawn = await page.evaluate(() => {
      const { time } = JSON.parse(document.getElementById("data").textContent);
      const shown = Chart.getChart(document.querySelector("#chart-requests canvas")).data.datasets;
      const seconds = (i) => (i + 1 === time.length ? time.last_step : time.step);
      return { codes: shown.map((set) => set.label), sum: shown.flatMap((set) => set.data.map((point, i) => point.y * seconds(i))).reduce((a, b) => a + b, 0) };
    });
    assert.equal(Math.round(drawn.sum), requests);
    for (const code of ["200", "404"]) assert.ok(drawn.codes.some((label) => label.includes(code)), `${drawn.codes}`);
    for (const id of ["latency_request", "heat_request"]) assert.equal(await page.locator(`#chart-${id}`).count(), 1, id);
    const text = await page.locator("main").innerText();
    for (const part of ["Status codes", "404", "connections made", "bytes received", "first byte", channels[0].target]) assert.ok(text.includes(part), part);
    assert.ok(cold.some((one) => one.code === "200"));
    for (const code of await page.locator("#cold-starts .bad").allTextContents()) assert.equal(code, "404");
  });
});

test("the matrix on the page is that of the JSON", async () => {
  await withPage({}, async (page) => {
    await page.goto(runs.real.url);
    const [{ table }] = runs.real.json.distributions;
    const cells = await page.locator("table.matrix tbody tr").evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll("td")].map((cell) => (cell.textContent === "·" ? 0 : Number(cell.textContent.replace(/,/g, ""))))));
    const sums = cells.map((row) => row.at(-1));
    assert.deepEqual(sums, table.counts.map((row) => row.reduce((a, b) => a + b, 0)));
    assert.deepEqual(cells.map((row) => row.slice(0, -1)), table.counts);
  });
});

test("what the charts draw adds up to the JSON's totals", async () => {
  await withPage({}, async (page) => {
    await page.goto(runs.real.url);
    const drawn = await page.evaluate(() => {
      const { time } = JSON.parse(document.getElementById("data").textContent);
      const shown = Chart.getChart(document.querySelector("#chart-calls canvas")).data.datasets;
      const seconds = (i) => (i + 1 === time.length ? time.last_step : time.step);
      return { sum: shown.flatMap((set) => set.data.map((point, i) => point.y * seconds(i))).reduce((a, b) => a + b, 0) };
    });
    assert.equal(Math.round(drawn.sum), runs.real.json.metrics.grpc_calls.total.value);
  });
});

test("the warm-up is shaded on every chart over time, and its errors stand apart", async () => {
  await withPage({}, async (page, seen) => {
    await page.goto(runs.warm.url);
    const told = await page.evaluate(async () => {
      const { time } = JSON.parse(document.getElementById("data").textContent);
      const canvases = [...document.querySelectorAll("figure.chart canvas")];
      const drawn = () => canvases.map((canvas) => canvas.toDataURL());
      const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      await frame();
      const shaded = drawn();
      lgenCharts.warmups([]);
      await frame();
      const plain = drawn();
      return { warmups: time.warmups, charts: time.charts.length, changed: shaded.filter((one, i) => one !== plain[i]).length };
    });
    assert.equal(told.warmups.length, 1);
    assert.equal(told.warmups[0][0], 0);
    assert.ok(told.warmups[0][1] >= 1 && told.warmups[0][1] <= 2, String(told.warmups));
    assert.ok(told.changed >= 2, `${told.changed} charts are shaded`);
    assert.ok((await page.locator("#time").innerText()).includes("The shaded part is the warm-up"));
    const errors = await page.locator("#errors").innerText();
    assert.match(errors, /2 in warm-up alone/);
    assert.match(errors, /and \d+ in warm-up/);
    const [work] = runs.warm.json.scenarios;
    assert.ok(work.started_in_warmup > 0);
    assert.ok((await page.locator("#scenarios").innerText()).includes(`${work.started_in_warmup} in warm-up`));
    assert.deepEqual(seen.complaints, []);
  });
});

test("the last point of a rate is one of as long as it was filled", async () => {
  const { interval, length, series } = runs.warm.json.timelines;
  assert.ok(length > interval && series.length > 0);
  await withPage({}, async (page) => {
    await page.goto(runs.warm.url);
    const { step, last_step: last, values, end } = await page.evaluate(() => {
      const { time } = JSON.parse(document.getElementById("data").textContent);
      const chart = Chart.getChart(document.querySelector("#chart-iterations canvas"));
      return { ...time, values: chart.data.datasets[0].data, end: chart.scales.x.max };
    });
    assert.ok(last >= step / 2 && last < 1.5 * step, String(last));
    assert.ok(Math.abs(end - length) < 1e-6, `${end} of ${length}`);
    assert.ok(Math.abs(values.at(-1).x - (end - last / 2)) < 1e-6);
  });
});

test("a table that goes on behind the edge shows it there, and can be scrolled by keys", async () => {
  for (const scheme of ["light", "dark"]) {
    await withPage({ width: 390, scheme }, async (page) => {
      await page.goto(runs.real.url);
      // The shadow at the right edge, beside the page's own colour when there is nothing more to come.
      const edge = (end) => page.evaluate(async (right) => {
        const wide = [...document.querySelectorAll(".scroll")].find((one) => one.scrollWidth > one.clientWidth + 30 && !one.querySelector(".matrix"));
        wide.scrollLeft = right ? wide.scrollWidth : 0;
        wide.scrollIntoView({ block: "center" });
        const { right: x, bottom } = wide.getBoundingClientRect();
        return { x: Math.floor(x) - 2, y: Math.floor(bottom) - 2, tabindex: wide.tabIndex };
      }, end);
      const pixel = async ({ x, y }) => (await page.screenshot({ clip: { x, y, width: 1, height: 1 } })).toString("base64");
      const start = await edge(false);
      assert.equal(start.tabindex, 0);
      const shaded = await pixel(start);
      const clear = await pixel(await edge(true));
      assert.notEqual(shaded, clear, scheme);
    });
  }
});

test("a legend's button hides its line and brings it back", async () => {
  await withPage({}, async (page) => {
    await page.goto(runs.real.url);
    const button = page.locator("#chart-latency_call .legend button").first();
    const shown = () => page.evaluate(() => Chart.getChart(document.querySelector("#chart-latency_call canvas")).isDatasetVisible(0));
    assert.equal(await shown(), true);
    await button.click();
    assert.equal(await shown(), false);
    assert.equal(await button.getAttribute("aria-pressed"), "false");
    await button.press("Enter");
    assert.equal(await shown(), true);
  });
});

test("pointing at a moment shows it on every chart over time", async () => {
  await withPage({}, async (page, seen) => {
    await page.goto(runs.real.url);
    await page.locator("#chart-heat_call canvas").hover();
    await page.locator("#chart-latency_call canvas").hover();
    await page.waitForFunction(() => Chart.getChart(document.querySelector("#chart-latency_call canvas")).tooltip.opacity > 0);
    assert.deepEqual(seen.complaints, []);
  });
});

test("a page that is updated draws in the same charts, and grows by intervals", async () => {
  await withPage({}, async (page, seen) => {
    await page.goto(runs.real.url);
    const told = await page.evaluate(async () => {
      const canvas = document.querySelector("#chart-calls canvas");
      const data = JSON.parse(document.getElementById("data").textContent);
      data.figures[0].value = 4711;
      lgenPage.update({ figures: data.figures, time: data.time });
      const before = Chart.getChart(canvas).data.datasets[0].data.length;
      for (let i = 0; i < 700; ++i) lgenPage.append({ calls: [i] });
      await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
      const set = Chart.getChart(document.querySelector("#chart-calls canvas")).data.datasets[0].data;
      return { same: canvas === document.querySelector("#chart-calls canvas"), before, length: set.length, last: set.at(-1).y, first: set[0].x,
        figure: document.querySelector("[data-figure]").dataset.value };
    });
    assert.equal(told.same, true);
    assert.equal(told.figure, "4711");
    assert.equal(told.length, 600);
    assert.equal(told.last, 699);
    assert.equal(told.first, told.before + 100 + 0.5);
    assert.deepEqual(seen.complaints, []);
  });
});

test("hostile names are shown, not run", async () => {
  const name = "</script><img src=x onerror=\"window.hurt=1\"> ' & <b>";
  const summary = structuredClone(runs.bad.json);
  summary.run.name = summary.run.about = summary.scenarios[0].name = summary.checks[0].name = name;
  summary.errors[0].message = summary.events[0].name = summary.distributions[0].name = name;
  summary.distributions[0].table.row_names[0] = summary.distributions[0].table.col_names[0] = name;
  const json = path.join(here, "hostile.json");
  fs.writeFileSync(json, JSON.stringify(summary));
  add("hostile", json);
  await withPage({ width: 390 }, async (page, seen) => {
    await page.goto(runs.hostile.url);
    assert.deepEqual(seen.complaints, []);
    assert.deepEqual(seen.requests, [runs.hostile.url]);
    assert.equal(await page.evaluate(() => window.hurt), undefined);
    assert.equal(await page.locator("h1").innerText(), name);
    assert.equal(await page.locator("#page img, #page script").count(), 0);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390);
  });
});

test("a run of nothing is a page, too", async () => {
  const summary = structuredClone(runs.good.json);
  Object.assign(summary, { metrics: {}, thresholds: [], checks: [], distributions: [], scenarios: [], channels: [], connections: [],
    errors: [], events: [], timelines: { interval: 1, series: [] } });
  const json = path.join(here, "nothing.json");
  fs.writeFileSync(json, JSON.stringify(summary));
  add("nothing", json);
  await withPage({ width: 390 }, async (page, seen) => {
    await page.goto(runs.nothing.url);
    assert.deepEqual(seen.complaints, []);
    assert.equal(await value(page, "iterations"), 0);
  });
});

test("the page has a heading for every section and a caption for every table", async () => {
  await withPage({}, async (page) => {
    await page.goto(runs.bad.url);
    const told = await page.evaluate(() => ({
      h1: document.querySelectorAll("h1").length,
      bare: [...document.querySelectorAll("section:not([hidden])")].filter((s) => !s.querySelector("h2") && !s.getAttribute("aria-label")).map((s) => s.id),
      tables: [...document.querySelectorAll("table")].filter((t) => !t.caption || t.caption.textContent === "").length,
      canvases: [...document.querySelectorAll("canvas")].filter((c) => !c.getAttribute("aria-label")).length,
      dead: [...document.querySelectorAll("nav a")].filter((a) => !document.querySelector(a.getAttribute("href"))).length,
    }));
    assert.deepEqual(told, { h1: 1, bare: [], tables: 0, canvases: 0, dead: 0 });
  });
});

test("texts stand out from what is behind them", async () => {
  for (const scheme of ["light", "dark"]) {
    await withPage({ scheme }, async (page) => {
      await page.goto(runs.bad.url);
      const pale = await page.evaluate(() => {
        const channel = (x) => (x / 255 <= 0.03928 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4);
        const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
        const parse = (text) => text.match(/[\d.]+/g).map(Number);
        const behind = (node) => {
          for (; node; node = node.parentElement) {
            const colour = parse(getComputedStyle(node).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
          }
          return [255, 255, 255];
        };
        const pale = [];
        for (const node of document.querySelectorAll("#page *")) {
          const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim() !== "");
          if (!own || node.closest("[hidden]")) continue;
          const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))];
          const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          if (contrast < 4.5) pale.push(`${node.textContent.slice(0, 30)}: ${contrast.toFixed(2)}`);
        }
        return pale;
      });
      assert.deepEqual(pale, [], scheme);
    });
  }
});
