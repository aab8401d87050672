// Charts out of data: lgenCharts.make(spec) gives {figure, update(spec), append(values)}. The kinds of a spec:
//   lines        {lines: [{name, role, values}], unit}             a value for each interval of time; null: nothing there
//   percentiles  the same, on a logarithmic axis
//   stacked      the same, one above the other
//   durations    {columns: [[[bin, count], …], …], first, last, bins_per_decade}   a heat map of durations over time
//   rows         {lines}                                           a heat map, one row for each line
//   spectrum     {lines: [{name, points: [[n, value], …]}]}        all but one of n samples took at most `value`
// `step` is the length of an interval in seconds, `start` the number of the first one. Marks and the cursor are shared
// by all charts over time. Text from outside only ever becomes text.
"use strict";
const lgenCharts = (() => {
  const { words, plain, clock, tick } = lgenWords;
  const kMaxIntervals = 600;
  const charts = new Set();
  const shared = { marks: [], cursor: null };

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

  // --- what all charts over time share ------------------------------------------------------------------------------
  /** Marks closer than 3 pixels are drawn as one. */
  const markPixels = (chart) => {
    const { left, right } = chart.chartArea;
    const pixels = [];
    for (const mark of shared.marks) {
      const x = chart.scales.x.getPixelForValue(mark.at);
      if (x < left - 1 || x > right + 1) continue;
      if (pixels.length === 0 || x - pixels[pixels.length - 1] >= 3) pixels.push(x);
    }
    return pixels;
  };
  const marksPlugin = {
    id: "lgenMarks",
    afterDatasetsDraw(chart) {
      if (!chart.lgen.overTime) return;
      const { ctx, chartArea } = chart;
      ctx.save();
      ctx.strokeStyle = ctx.fillStyle = css("--mark");
      ctx.lineWidth = 1;
      for (const x of markPixels(chart)) {
        ctx.globalAlpha = 0.45;
        ctx.setLineDash([3, 3]);
        ctx.beginPath();
        ctx.moveTo(x, chartArea.top);
        ctx.lineTo(x, chartArea.bottom);
        ctx.stroke();
        ctx.globalAlpha = 1;
        ctx.beginPath();
        ctx.moveTo(x - 4, chartArea.top - 5);
        ctx.lineTo(x + 4, chartArea.top - 5);
        ctx.lineTo(x, chartArea.top + 1);
        ctx.fill();
      }
      ctx.restore();
    },
  };
  let waiting = false;
  const drawAll = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      for (const one of charts) if (one.chart.lgen.overTime) one.chart.draw();
    });
  };
  const cursorPlugin = {
    id: "lgenCursor",
    afterEvent(chart, { event, inChartArea }) {
      if (!chart.lgen.overTime) return;
      const at = inChartArea && event.type !== "mouseout" ? chart.scales.x.getValueForPixel(event.x) : null;
      if (at !== shared.cursor) {
        shared.cursor = at;
        drawAll();
      }
    },
    afterDraw(chart) {
      if (!chart.lgen.overTime || shared.cursor === null) return;
      const { ctx, chartArea } = chart;
      const x = chart.scales.x.getPixelForValue(shared.cursor);
      if (x < chartArea.left || x > chartArea.right) return;
      ctx.save();
      ctx.strokeStyle = css("--dim");
      ctx.globalAlpha = 0.6;
      ctx.lineWidth = 1;
      ctx.beginPath();
      ctx.moveTo(x, chartArea.top);
      ctx.lineTo(x, chartArea.bottom);
      ctx.stroke();
      ctx.restore();
    },
  };
  const marksNear = (at, step) => {
    const near = shared.marks.filter((mark) => Math.abs(mark.at - at) <= Math.max(step, 0.5));
    const text = near.slice(0, 4).map((mark) => `${clock(mark.at)} ${mark.name}${mark.fields ? ": " + mark.fields : ""}`);
    if (near.length > 4) text.push(`… and ${near.length - 4} more`);
    return text.map((line) => (line.length > 70 ? line.slice(0, 69) + "…" : line));
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
  const timeAxis = (spec) =>
    axis({
      type: "linear",
      min: (spec.start || 0) * spec.step,
      max: ((spec.start || 0) + Math.max(1, spec.length)) * spec.step,
      ticks: { callback: (value) => clock(value), autoSkip: false },
      afterBuildTicks(scale) {
        const room = Math.max(2, Math.floor(scale.chart.width / 75));
        const step = kTimeSteps.find((s) => (scale.max - scale.min) / s <= room) || 86400;
        scale.ticks = [];
        for (let at = Math.ceil(scale.min / step) * step; at <= scale.max + 1e-9; at += step) scale.ticks.push({ value: at });
      },
    });
  const valueAxis = (unit, more = {}) =>
    axis({
      type: "linear",
      beginAtZero: true,
      ticks: { callback: (value) => tick(value, unit), maxTicksLimit: 6, precision: unit === "" ? 0 : undefined },
      ...widthOf(kAxisWidth),
      ...more,
    });
  /** 1, 2 and 5 times the powers of ten, or fewer where there are many decades. */
  const logAxis = (unit, low, high) => {
    const min = Math.pow(10, Math.floor(Math.log10(low) * 3) / 3);
    const max = Math.max(high * 1.1, min * 3);
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

  // --- the kinds -------------------------------------------------------------------------------------------------
  /** A value between nothings would be a line of no length. */
  const alone = (points, i) => [i - 1, i + 1].every((at) => !points[at] || points[at].y === null);
  const lineSet = (spec, index, points, more = {}) => {
    const style = look(spec.lines, index);
    return {
      label: spec.lines[index].title || spec.lines[index].name,
      data: points,
      borderColor: style.color, backgroundColor: style.color, borderWidth: style.width, borderDash: style.dash,
      pointRadius: points.map((_, i) => (alone(points, i) ? 2 : 0)), pointHitRadius: 6, pointHoverRadius: 3, spanGaps: false, tension: 0,
      ...more,
    };
  };
  const overTime = (spec, values) => values.map((y, i) => ({ x: ((spec.start || 0) + i + 0.5) * spec.step, y }));
  const timeTooltip = (spec) => ({
    title: (items) => (items.length > 0 ? `${clock(items[0].parsed.x - spec.step / 2)} – ${clock(items[0].parsed.x + spec.step / 2)}` : ""),
    label: (item) => ` ${item.dataset.label}: ${words(item.parsed.y, spec.unit)}`,
    footer: (items) => (items.length > 0 ? marksNear(items[0].parsed.x, spec.step) : []),
  });

  const kinds = {
    lines(spec) {
      const options = base({ x: timeAxis(spec), y: valueAxis(spec.unit) });
      options.plugins.tooltip.callbacks = timeTooltip(spec);
      return { options, datasets: spec.lines.map((line, i) => lineSet(spec, i, overTime(spec, line.values))) };
    },
    percentiles(spec) {
      const [low, high] = extent(spec.lines.flatMap((line) => line.values));
      const made = kinds.lines(spec);
      made.options.scales.y = logAxis(spec.unit, low, high);
      return made;
    },
    stacked(spec) {
      const options = base({ x: timeAxis(spec), y: valueAxis(spec.unit, { stacked: true }) });
      options.plugins.tooltip.callbacks = timeTooltip(spec);
      const datasets = spec.lines.map((line, i) => {
        const { color } = look(spec.lines, i);
        return lineSet(spec, i, overTime(spec, line.values), {
          fill: i === 0 ? "origin" : "-1", backgroundColor: faint(color, 0.6), borderWidth: 1, borderDash: [],
        });
      });
      return { options, datasets };
    },
    durations(spec) {
      const edge = (bin) => Math.pow(10, bin / spec.bins_per_decade) * 1e-6;
      const most = Math.max(1, ...spec.columns.flatMap((column) => column.map(([, count]) => count)));
      const cells = spec.columns.flatMap((column, i) => column.map(([bin, count]) => ({
        x: i * spec.step, width: spec.step, low: edge(bin), high: edge(bin + 1), count, share: warmth(count, most),
      })));
      const y = logAxis("s", edge(spec.first), edge(spec.last + 1));
      y.min = edge(spec.first);
      y.max = edge(spec.last + 1);
      y.grid = { ...y.grid, display: false };
      return {
        options: base({ x: { ...timeAxis(spec), grid: { display: false } }, y }),
        datasets: [], cells, most,
        says: (cell) => `${clock(cell.x)} – ${clock(cell.x + cell.width)}\n${words(cell.low, "s")} to ${words(cell.high, "s")}: ${plain(cell.count)}`,
      };
    },
    rows(spec) {
      const most = Math.max(1, ...spec.lines.flatMap((line) => line.values));
      const cells = spec.lines.flatMap((line, r) => line.values.map((count, i) => ({
        x: i * spec.step, width: spec.step, low: r, high: r + 1, count, share: warmth(count, most), name: line.title || line.name,
      }))).filter((cell) => cell.count > 0);
      const y = axis({
        type: "linear", min: 0, max: spec.lines.length, reverse: true,
        ...widthOf(Math.min(120, 14 + 6.2 * Math.max(...spec.lines.map((line) => line.name.length)))),
        ticks: { callback: (value) => (spec.lines[Math.floor(value)] || {}).name, autoSkip: spec.lines.length > 70, font: { size: 10 } },
        afterBuildTicks(scale) { scale.ticks = spec.lines.map((_, r) => ({ value: r + 0.5 })); },
      });
      y.grid = { ...y.grid, display: false };
      return {
        options: base({ x: { ...timeAxis(spec), grid: { display: false } }, y }),
        datasets: [], cells, most, height: Math.min(900, 60 + 13 * spec.lines.length),
        says: (cell) => `${cell.name}\n${clock(cell.x)} – ${clock(cell.x + cell.width)}: ${plain(cell.count)}`,
      };
    },
    spectrum(spec) {
      const [low, high] = extent(spec.lines.flatMap((line) => line.points.map((p) => p[1])));
      const most = Math.max(10, ...spec.lines.flatMap((line) => line.points.map((p) => p[0])));
      const percent = (n) => (n < 1.5 ? "0 %" : `${Number((100 * (1 - 1 / n)).toPrecision(Math.max(2, Math.ceil(Math.log10(n)) + 1)))} %`);
      const x = axis({
        type: "logarithmic", min: 1, max: most * 1.15,
        ticks: { callback: percent, autoSkip: true },
        afterBuildTicks(scale) {
          scale.ticks = [{ value: 1 }, { value: 2 }];
          for (let n = 10; n <= scale.max; n *= 10) scale.ticks.push({ value: n });
        },
      });
      const options = base({ x, y: logAxis("s", low, high) });
      options.interaction = { mode: "nearest", axis: "x", intersect: false };
      options.plugins.tooltip.callbacks = {
        title: (items) => (items.length > 0 ? `${percent(items[0].parsed.x)}, all but one of ${plain(Math.round(items[0].parsed.x))}` : ""),
        label: (item) => ` ${item.dataset.label}: ≤ ${words(item.parsed.y, "s")}`,
      };
      const datasets = spec.lines.map((line, i) => lineSet(spec, i, line.points.map(([n, value]) => ({ x: n, y: Math.max(value, 1e-9) }))));
      return { options, datasets };
    },
  };
  const cellsPlugin = {
    id: "lgenCells",
    beforeDatasetsDraw(chart) {
      const { ctx, chartArea, scales } = chart;
      const stops = list("--heat");
      ctx.save();
      ctx.beginPath();
      ctx.rect(chartArea.left, chartArea.top, chartArea.width, chartArea.height);
      ctx.clip();
      const gap = scales.x.getPixelForValue(chart.lgen.step) - scales.x.getPixelForValue(0) > 9 ? 1 : 0;
      for (const cell of chart.lgen.cells || []) {
        const left = Math.round(scales.x.getPixelForValue(cell.x)), right = Math.round(scales.x.getPixelForValue(cell.x + cell.width));
        const a = scales.y.getPixelForValue(cell.low), b = scales.y.getPixelForValue(cell.high);
        ctx.fillStyle = heat(cell.share, stops);
        ctx.fillRect(left, Math.min(a, b), Math.max(1, right - left - gap), Math.max(1, Math.abs(a - b) - (Math.abs(a - b) > 5 ? 1 : 0)));
      }
      ctx.restore();
    },
    afterEvent(chart, { event, inChartArea }) {
      if (!chart.lgen.cells || !event.native) return;
      const x = inChartArea ? chart.scales.x.getValueForPixel(event.x) : NaN, y = inChartArea ? chart.scales.y.getValueForPixel(event.y) : NaN;
      const cell = chart.lgen.cells.find((c) => x >= c.x && x < c.x + c.width && y >= c.low && y < c.high);
      const near = event.type === "mouseout" || !inChartArea ? [] : marksNear(x, chart.lgen.step);
      const text = [cell ? chart.lgen.says(cell) : "", ...near].filter((line) => line !== "").join("\n");
      if (event.type === "mouseout" || text === "") tip.hidden = true;
      else showTip(event.native, text);
    },
  };

  // --- in words, for who cannot see it -----------------------------------------------------------------------------
  const spoken = (spec) => {
    const of = (line) => {
      const values = (line.values || line.points.map((p) => p[1])).filter((x) => x !== null);
      if (values.length === 0) return `${line.name}: nothing`;
      const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
      return `${line.title || line.name}: ${words(low, spec.unit)} to ${words(high, spec.unit)}`;
    };
    if (spec.kind === "durations") return `${spec.title}. From ${words(Math.pow(10, spec.first / spec.bins_per_decade) * 1e-6, "s")} to ${words(Math.pow(10, (spec.last + 1) / spec.bins_per_decade) * 1e-6, "s")}.`;
    return `${spec.title}. ${spec.lines.map(of).join("; ")}.`;
  };

  // --- one chart --------------------------------------------------------------------------------------------------
  class One {
    constructor(spec) {
      this.hiddenLines = new Set();
      this.legend = el("div", { class: "legend" });
      this.canvas = el("canvas", { role: "img" });
      this.plot = el("div", { class: "plot" }, this.canvas);
      this.title = el("h3");
      this.help = el("span", { class: "help" });
      this.figure = el("figure", { class: "chart panel", id: `chart-${spec.id}` }, el("figcaption", {}, this.title, this.help), this.legend, this.plot);
      this.spec = spec;
      this.canvas.addEventListener("mouseleave", () => { tip.hidden = true; });
      charts.add(this);
    }
    /** Draws; once the figure is in the document. */
    update(spec = this.spec) {
      this.spec = spec;
      this.stale = false;
      this.title.textContent = spec.title;
      this.help.textContent = spec.help || "";
      this.canvas.setAttribute("aria-label", spoken(spec));
      const made = kinds[spec.kind](spec);
      if (made.height) this.plot.style.height = `${made.height}px`;
      this.drawLegend(made);
      made.datasets.forEach((set) => { set.hidden = this.hiddenLines.has(set.label); });
      const lgen = { overTime: spec.kind !== "spectrum", cells: made.cells, says: made.says, step: spec.step };
      if (this.chart) {
        this.chart.lgen = lgen;
        this.chart.data.datasets = made.datasets;
        this.chart.options = made.options;
        this.chart.update("none");
      } else {
        const early = { id: "lgenData", beforeInit(chart) { chart.lgen = lgen; } };
        this.chart = new Chart(this.canvas, {
          type: "line", data: { datasets: made.datasets }, options: made.options, plugins: [early, cellsPlugin, marksPlugin, cursorPlugin],
        });
      }
    }
    /** One more interval: a value for each line. The oldest leaves once there are 600. */
    append(values) {
      const spec = this.spec;
      spec.lines.forEach((line, i) => line.values.push(values[i] === undefined ? null : values[i]));
      spec.length = Math.max(spec.length, spec.lines[0].values.length);
      if (spec.lines[0].values.length > kMaxIntervals) {
        spec.lines.forEach((line) => line.values.shift());
        spec.start = (spec.start || 0) + 1;
        spec.length = kMaxIntervals;
      }
      this.stale = true;
      drawStale();
    }
    drawLegend(made) {
      const filled = this.spec.kind === "stacked";
      if (made.cells) {
        const bar = el("i", { "aria-hidden": true });
        bar.style.background = `linear-gradient(90deg, ${list("--heat").join(",")})`;
        const least = made.most > 1 ? ["1", bar] : [];
        return this.legend.replaceChildren(el("span", { class: "scale" }, ...least, plain(made.most)));
      }
      this.legend.replaceChildren(...made.datasets.map((set, i) => {
        const button = el("button", { type: "button", title: set.label, "aria-pressed": String(!this.hiddenLines.has(set.label)) },
          swatch(look(this.spec.lines, i), filled), el("span", {}, this.spec.lines[i].name));
        button.addEventListener("click", () => {
          if (!this.hiddenLines.delete(set.label)) this.hiddenLines.add(set.label);
          this.update();
          this.legend.children[i].focus();
        });
        return button;
      }));
    }
    drop() {
      charts.delete(this);
      if (this.chart) this.chart.destroy();
      this.figure.remove();
    }
  }

  /** However many values arrive, a chart is drawn once a frame. */
  let asked = false;
  const drawStale = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      for (const one of charts) if (one.stale) one.update();
    });
  };
  const redraw = () => { for (const one of charts) one.update(); };
  if (window.matchMedia) window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  const paper = (on) => {
    document.documentElement.classList.toggle("paper", on);
    for (const one of charts) one.chart.resize();
    redraw();
  };
  window.addEventListener("beforeprint", () => paper(true));
  window.addEventListener("afterprint", () => paper(false));

  return {
    make: (spec) => new One(spec),
    marks(marks) {
      shared.marks = marks;
      drawAll();
    },
    el, heat, warmth, css, list,
  };
})();
