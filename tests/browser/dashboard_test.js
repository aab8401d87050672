// The live page in Debian's Chromium: it follows a run, has all of its history for one who comes late, and shows the
// figures of the JSON at the end.
// Environment: as report_test.js.
"use strict";
const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const { after, before, test } = require("node:test");
const { setTimeout: sleep } = require("node:timers/promises");
const { start, stop, withPage } = require("./chromium.js");

const here = fs.mkdtempSync(path.join(os.tmpdir(), "lgen-dashboard-"));
const pictures = process.env.LGEN_SCREENSHOTS;

/** A long run of mixed.lua, at `url`; `end()` ends its load, `json()` is its summary then, `leave()` ends its lingering. */
async function run(name, linger = "5m") {
  const json = path.join(here, `${name}.json`);
  const child = spawn(path.join(process.env.LGEN_BIN_DIR, "lgen"),
    [path.join(__dirname, "mixed.lua"), "--local=pods=3,balance=stream", "--quiet", "--duration", "5m", "--out", `dashboard=:0,linger=${linger}`, "--out", `json=${json}`]);
  let said = "";
  const exited = new Promise((done) => child.on("exit", done));
  const url = await new Promise((found, failed) => {
    child.stderr.on("data", (text) => {
      said += text;
      const line = said.match(/lgen: dashboard: (http:\S+)/);
      if (line) found(line[1]);
    });
    exited.then((code) => failed(new Error(`exit code ${code}: ${said}`)));
  });
  child.stdout.resume();
  const summary = async () => {
    while (!fs.existsSync(json)) await sleep(20);  // written whole, right after the readers were told
    return JSON.parse(fs.readFileSync(json, "utf8"));
  };
  const leave = async () => {
    await summary();
    await get(`${url}/`);  // who answers has begun to linger
    child.kill("SIGINT");
    return exited;
  };
  return { url, exited, json: summary, leave, end: () => child.kill("SIGINT") };
}

const get = (url) => new Promise((done, failed) => {
  http.get(url, (answer) => answer.resume().on("end", () => done(answer.statusCode))).on("error", failed);
});

before(start);
after(async () => {
  await stop();
  fs.rmSync(here, { recursive: true, force: true });
});

const figure = (page, id) => page.locator(`[data-figure="${id}"]`).getAttribute("data-value").then(Number);
const over = (page) => page.waitForSelector('#live[data-state="over"]');
const chartLength = (page, id) => page.evaluate((name) => Chart.getChart(document.querySelector(`#chart-${name} canvas`)).data.datasets[0].data.length, id);

async function shot(page, name) {
  if (pictures) await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
}

/** What the page shows is what the JSON says. */
async function checkFigures(page, { metrics, distributions }) {
  assert.equal(await figure(page, "calls"), metrics.grpc_calls.total.value);
  assert.equal(await figure(page, "p50"), metrics.grpc_call_duration_seconds.total.med);
  assert.equal(await figure(page, "p99"), metrics.grpc_call_duration_seconds.total.p99);
  assert.equal(await figure(page, "streams"), metrics.grpc_streams_opened.total.value);
  assert.equal(await figure(page, "messages_sent"), metrics.grpc_messages_sent.total.value);
  const drawn = await page.evaluate(() => {
    const { data: { datasets: sets }, lgen: { step, last_step } } = Chart.getChart(document.querySelector("#chart-calls canvas"));
    return sets.flatMap((set) => set.data.map((point, i) => point.y * (i + 1 === set.data.length ? last_step : step))).reduce((a, b) => a + b, 0);
  });
  assert.equal(Math.round(drawn), metrics.grpc_calls.total.value);
  const cells = await page.locator("table.matrix tbody tr").evaluateAll((rows) =>
    rows.map((row) => [...row.querySelectorAll("td:not(.sum)")].map((cell) => (cell.textContent === "·" ? 0 : Number(cell.textContent.replace(/,/g, ""))))));
  assert.deepEqual(cells, distributions[0].table.counts);
}

test("the page follows a run, and at its end shows the figures of the JSON", async () => {
  const one = await run("follow");
  await withPage({}, async (page, seen) => {
    await page.goto(one.url);
    await page.waitForSelector('#live[data-state="live"]');
    assert.match(await page.locator("#verdict").innerText(), /Running/);
    await page.waitForSelector('[data-figure="calls"]');
    const canvas = await page.waitForSelector("#chart-calls canvas");
    const [calls, length] = [await figure(page, "calls"), await chartLength(page, "calls")];
    await page.waitForFunction(([n]) => Number(document.querySelector('[data-figure="calls"]').dataset.value) > n, [calls]);
    await page.waitForFunction(([n]) => Chart.getChart(document.querySelector("#chart-calls canvas")).data.datasets[0].data.length > n, [length]);
    assert.equal(await canvas.evaluate((node) => node.isConnected), true);  // the same chart has grown
    await page.waitForSelector("table.matrix");
    await shot(page, "live-running-1280");
    one.end();
    await over(page);
    await page.waitForFunction(() => !/Running/.test(document.querySelector("#verdict").innerText));
    await checkFigures(page, await one.json());
    assert.deepEqual(seen.complaints, []);
    assert.deepEqual([...new Set(seen.requests)].sort(), [`${one.url}/`, `${one.url}/events`]);
    await shot(page, "live-over-1280");
  });
  await withPage({ width: 390, scheme: "dark" }, async (page, seen) => {  // one who comes when it is over
    await page.goto(one.url);
    await over(page);
    await checkFigures(page, await one.json());
    assert.deepEqual(seen.complaints, []);
    const [wide, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(wide <= inner, `${wide} px on a screen of ${inner}`);
    await shot(page, "live-over-390");
  });
  assert.equal(await one.leave(), 105);
});

test("who comes late has all that has been, and several see the same", async () => {
  const one = await run("late");
  await withPage({ width: 390 }, async (early) => {
    await early.goto(one.url);
    await early.waitForFunction(() => Chart.getChart(document.querySelector("#chart-calls canvas"))?.data.datasets[0].data.length >= 3);
    await withPage({ width: 390 }, async (late, seen) => {
      await late.goto(one.url);
      await late.waitForSelector('#live[data-state="live"]');
      assert.ok((await chartLength(late, "calls")) >= 3);
      await shot(late, "live-running-390");
      one.end();
      await Promise.all([over(early), over(late)]);
      for (const page of [early, late]) await checkFigures(page, await one.json());
      const text = (page) => page.locator("main").innerText();
      assert.equal(await text(early), await text(late));
      assert.deepEqual(seen.complaints, []);
    });
  });
  assert.equal(await one.leave(), 105);
});

test("a reader that takes nothing does not keep the run from its end", async () => {
  const one = await run("slow", "0s");
  const request = await new Promise((asked) => {
    const it = http.get(`${one.url}/events`, (answer) => { answer.pause(); asked(it); });
    it.on("error", () => {});
  });
  one.end();
  assert.equal(await one.exited, 105);
  request.destroy();
  assert.equal((await one.json()).conservation, "");
});

test("without linger the page stays as the run has left it", async () => {
  const one = await run("short", "0s");
  await withPage({}, async (page, seen) => {
    await page.goto(one.url);
    await page.waitForSelector('#live[data-state="live"]');
    one.end();
    await over(page);
    assert.equal(await one.exited, 105);
    await checkFigures(page, await one.json());
    assert.deepEqual(seen.complaints, []);
  });
});
