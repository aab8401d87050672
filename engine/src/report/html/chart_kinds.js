// Each kind of chart out of its spec (charts.js says what a spec holds): what Chart.js is to draw, and for heat maps the
// cells, which are drawn by a plugin of ours.
"use strict";
const lgenChartKinds = (() => {
  const { words, plain, clock } = lgenWords;
  const { list, faint, heat, warmth, look, tip, showTip, axis, widthOf, spanOf, timeAxis, valueAxis, logAxis, base, extent } = lgenChartParts;
  const { marksNear } = lgenChartOverlays;

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
  const overTime = (spec, values) => values.map((y, i) => ({ x: (spanOf(spec, i)[0] + spanOf(spec, i)[1]) / 2, y }));
  const timeTooltip = (spec) => ({
    title: (items) => (items.length > 0 ? spanOf(spec, items[0].dataIndex).map(clock).join(" – ") : ""),
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
        x: i * spec.step, width: spanOf(spec, i)[1] - i * spec.step, low: edge(bin), high: edge(bin + 1), count, share: warmth(count, most),
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
        x: i * spec.step, width: spanOf(spec, i)[1] - i * spec.step, low: r, high: r + 1, count, share: warmth(count, most), name: line.title || line.name,
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
          scale.ticks = scale.chart.width < 480 ? [{ value: 1 }] : [{ value: 1 }, { value: 2 }];  // side by side they need room
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

  return { kinds, cellsPlugin };
})();
