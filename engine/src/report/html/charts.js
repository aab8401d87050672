// Charts out of data: lgenCharts.make(spec) gives {figure, update(spec), append(values)}. The kinds of a spec:
//   lines        {lines: [{name, role, values}], unit}             a value for each interval of time; null: nothing there
//   percentiles  the same, on a logarithmic axis
//   stacked      the same, one above the other
//   durations    {columns: [[[bin, count], …], …], first, last, bins_per_decade}   a heat map of durations over time
//   rows         {lines}                                           a heat map, one row for each line
//   spectrum     {lines: [{name, points: [[n, value], …]}]}        all but one of n samples took at most `value`
// `step` is the length of an interval in seconds, `last_step` that of the last one, `start` the number of the first one.
// chart_parts.js has axes and elements, chart_kinds.js the kinds, chart_overlays.js what charts over time share.
"use strict";
const lgenCharts = (() => {
  const { words, plain } = lgenWords;
  const { css, list, heat, warmth, look, el, swatch, tip } = lgenChartParts;
  const { charts, plugins, show } = lgenChartOverlays;
  const { kinds, cellsPlugin } = lgenChartKinds;
  const kMaxIntervals = 600;

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
      const lgen = { overTime: spec.kind !== "spectrum", cells: made.cells, says: made.says, step: spec.step, last_step: spec.last_step };
      if (this.chart) {
        this.chart.lgen = lgen;
        this.chart.data.datasets = made.datasets;
        this.chart.options = made.options;
        this.chart.update("none");
      } else {
        const early = { id: "lgenData", beforeInit(chart) { chart.lgen = lgen; } };
        this.chart = new Chart(this.canvas, {
          type: "line", data: { datasets: made.datasets }, options: made.options, plugins: [early, cellsPlugin, ...plugins],
        });
      }
    }
    /** One more interval: a value for each line. The oldest leaves once there are 600. */
    append(values) {
      const spec = this.spec;
      spec.lines.forEach((line, i) => line.values.push(values[i] === undefined ? null : values[i]));
      spec.length = Math.max(spec.length, spec.lines[0].values.length);
      spec.last_step = spec.step;
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
    marks: (marks) => show({ marks }),
    warmups: (warmups) => show({ warmups }),
    el, heat, warmth, css, list,
  };
})();
