// What charts are put together from: colours and lines, small elements, axes. Text from outside only ever becomes text.
"use strict";
const lgenChartParts = (() => {
  const { clock, tick } = lgenWords;

  // --- looks -----------------------------------------------------------------------------------------------------
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const list = (name) => css(name).split(/\s+/);
  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const faint = (hex, alpha) => `rgba(${rgb(hex).join(",")},${alpha})`;
  /** Colour of a share 0..1 on the scale of heat. */
  const heat = (share, stops = list("--heat")) => {
    const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const [a, b] = [rgb(stops[low]), rgb(stops[low + 1])];
    return `rgb(${a.map((x, i) => Math.round(x + (b[i] - x) * (at - low))).join(",")})`;
  };
  /** Rare things must show beside frequent ones. */
  const warmth = (count, most) => (count <= 0 ? 0 : most <= 1 ? 1 : 0.12 + 0.88 * (Math.log(count) / Math.log(most)));

  const kDashes = [[], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2], [12, 3], [1, 3], [6, 2, 1, 2]];
  const kRoles = {
    a: { color: "--c1", dash: [] },
    b: { color: "--c3", dash: [7, 3] },
    warn: { color: "--c5", dash: [2, 2] },
    p50: { color: "--c1", dash: [], width: 2 },
    p95: { color: "--c5", dash: [7, 3] },
    p99: { color: "--c2", dash: [] },
    max: { color: "--c7", dash: [1.5, 2.5], width: 1 },
  };
  /** How line `index` of a chart looks; roles make the same thing look the same everywhere. */
  const look = (lines, index) => {
    const role = lines[index].role;
    if (role === "bad") {
      const nth = lines.slice(0, index).filter((line) => line.role === "bad").length;
      return { color: css(["--c2", "--c4", "--c5", "--c8"][nth % 4]), dash: kDashes[nth % kDashes.length], width: 1.6 };
    }
    const fixed = kRoles[role];
    if (fixed) return { color: css(fixed.color), dash: fixed.dash, width: fixed.width || 1.6 };
    return { color: css(`--c${(index % 8) + 1}`), dash: kDashes[index % kDashes.length], width: 1.6 };
  };

  // --- small pieces of the document -------------------------------------------------------------------------------
  const el = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  };
  const swatch = ({ color, dash, width }, filled) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 20 10");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS("http://www.w3.org/2000/svg", filled ? "rect" : "line");
    const set = filled
      ? { x: 3, y: 0.5, width: 14, height: 9, rx: 2, fill: color }
      : { x1: 0, y1: 5, x2: 20, y2: 5, stroke: color, "stroke-width": width + 0.6, "stroke-dasharray": dash.join(" ") };
    for (const [key, value] of Object.entries(set)) line.setAttribute(key, value);
    svg.append(line);
    return svg;
  };
  const tip = el("div", { class: "tip", hidden: true });
  const showTip = (event, text) => {
    if (!tip.isConnected) document.body.append(tip);
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = event.clientX + 14 + box.width > window.innerWidth ? event.clientX - box.width - 10 : event.clientX + 14;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, window.innerHeight - box.height - 4))}px`;
  };

  // --- axes ------------------------------------------------------------------------------------------------------
  const axis = (more) => ({
    grid: { color: css("--grid"), borderColor: css("--line"), tickColor: "transparent", drawTicks: false },
    ticks: { color: css("--dim"), font: { size: 11 }, padding: 6, maxRotation: 0, autoSkipPadding: 14, ...more.ticks },
    ...Object.fromEntries(Object.entries(more).filter(([key]) => key !== "ticks")),
  });
  /** Axes of equal width put the same moment of all charts at the same place. */
  const kAxisWidth = 58;
  const widthOf = (width) => ({ afterFit(scale) { scale.width = width; } });
  const kTimeSteps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];
  /** From when to when interval `i` is. */
  const spanOf = (spec, i) => {
    const from = ((spec.start || 0) + i) * spec.step;
    return [from, from + (i + 1 === spec.length && spec.last_step ? spec.last_step : spec.step)];
  };
  const timeAxis = (spec) =>
    axis({
      type: "linear",
      min: (spec.start || 0) * spec.step,
      max: spanOf(spec, Math.max(1, spec.length) - 1)[1],
      ticks: { callback: (value) => clock(value), autoSkip: false },
      afterBuildTicks(scale) {
        const room = Math.max(2, Math.floor(scale.chart.width / 75));
        const step = kTimeSteps.find((s) => (scale.max - scale.min) / s <= room) || 86400;
        scale.ticks = [];
        for (let at = Math.ceil(scale.min / step) * step; at <= scale.max + 1e-9; at += step) scale.ticks.push({ value: at });
      },
    });
  /** "8 MiB, 16 MiB", not "9.54 MiB, 19.1 MiB". */
  const binaryTicks = (scale) => {
    let step = 1;
    while (scale.max / step > 6) step *= 2;
    scale.ticks = [];
    for (let at = 0; at <= scale.max; at += step) scale.ticks.push({ value: at });
  };
  const valueAxis = (unit, more = {}) =>
    axis({
      type: "linear",
      beginAtZero: true,
      ticks: { callback: (value) => tick(value, unit), maxTicksLimit: 6, precision: unit === "" ? 0 : undefined },
      ...widthOf(kAxisWidth),
      ...(unit === "B" ? { afterBuildTicks: binaryTicks } : {}),
      ...more,
    });
  /** 1, 2 and 5 times the powers of ten, or fewer where there are many decades. */
  const logAxis = (unit, low, high) => {
    const min = Math.pow(10, Math.floor(Math.log10(low) * 3) / 3);
    const max = Math.max(high * 1.35, min * 3);
    const decades = Math.log10(max / min);
    return axis({
      type: "logarithmic",
      min,
      max,
      ...widthOf(kAxisWidth),
      ticks: { callback: (value) => tick(value, unit), autoSkip: false },
      afterBuildTicks(scale) {
        scale.ticks = [];
        for (let k = Math.floor(Math.log10(scale.min)); k <= Math.log10(scale.max); ++k) {
          for (const m of decades <= 1.7 ? [1, 2, 5] : decades <= 3.2 ? [1, 3] : [1]) {
            const value = m * Math.pow(10, k);
            if (value >= scale.min * 0.999 && value <= scale.max) scale.ticks.push({ value: Number(value.toPrecision(6)) });
          }
        }
      },
    });
  };
  const base = (scales) => ({
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    normalized: true,
    layout: { padding: { top: 8, right: 6 } },
    scales,
    interaction: { mode: "index", intersect: false, axis: "x" },
    plugins: {
      legend: { display: false },
      tooltip: {
        backgroundColor: css("--tip"), titleColor: css("--tip-ink"), bodyColor: css("--tip-ink"), footerColor: css("--tip-ink"),
        footerFont: { weight: "normal", size: 11 }, titleFont: { size: 12 }, bodyFont: { size: 12 }, padding: 8, boxWidth: 10, boxHeight: 2,
        caretSize: 0, cornerRadius: 4,
      },
    },
  });
  const extent = (numbers) => {
    let low = Infinity, high = 0;
    for (const x of numbers) {
      if (x === null || !(x > 0)) continue;
      if (x < low) low = x;
      if (x > high) high = x;
    }
    return high > 0 ? [low, high] : [1e-6, 1];
  };

  return { css, list, faint, heat, warmth, look, el, swatch, tip, showTip, axis, widthOf, spanOf, timeAxis, valueAxis, logAxis, base, extent };
})();
