// Debian's Chromium, driven by playwright-core: a fresh profile, no network of its own.
// Usage: await withPage({width, scheme}, async (page, seen) => …); `seen` collects what went wrong and what was asked of
// the network.
"use strict";
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { createRequire } = require("node:module");
const { chromium } = createRequire(path.join(process.env.LGEN_BROWSER_PACKAGES, "node_modules/"))("playwright-core");

const kFlags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

let context = null;
let profile = null;

async function start() {
  profile = fs.mkdtempSync(path.join(os.tmpdir(), "lgen-chromium-"));
  context = await chromium.launchPersistentContext(profile, { executablePath: "/usr/bin/chromium", headless: true, args: kFlags });
}

async function stop() {
  await context.close();
  fs.rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
}

async function withPage({ width = 1280, height = 900, scheme = "light" }, use) {
  const page = await context.newPage();
  const seen = { complaints: [], requests: [] };
  page.on("console", (message) => seen.complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.complaints.push(String(error.stack)));
  page.on("request", (request) => seen.requests.push(request.url()));
  try {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme });
    return await use(page, seen);
  } finally {
    await page.close();
  }
}

module.exports = { start, stop, withPage };
