// What all charts over time share: the marks of events, the warm-up, the cursor.
"use strict";
const lgenChartOverlays = (() => {
  const { clock } = lgenWords;
  const { css, faint } = lgenChartParts;
  const charts = new Set();
  const shared = { marks: [], warmups: [], cursor: null };

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
  /** The warm-up: a shaded part, named where there is room. */
  const warmupPlugin = {
    id: "lgenWarmup",
    afterDatasetsDraw(chart) {
      if (!chart.lgen.overTime) return;
      const { ctx, chartArea } = chart;
      ctx.save();
      ctx.fillStyle = ctx.strokeStyle = css("--dim");
      ctx.font = "11px system-ui, sans-serif";
      ctx.textBaseline = "top";
      for (const [from, to] of shared.warmups) {
        const left = Math.max(chartArea.left, chart.scales.x.getPixelForValue(from));
        const right = Math.min(chartArea.right, chart.scales.x.getPixelForValue(to));
        if (right <= left) continue;
        ctx.globalAlpha = 0.14;
        ctx.fillRect(left, chartArea.top, right - left, chartArea.height);
        ctx.globalAlpha = 0.7;
        ctx.setLineDash([1, 3]);
        ctx.beginPath();
        ctx.moveTo(right, chartArea.top);
        ctx.lineTo(right, chartArea.bottom);
        ctx.stroke();
        ctx.globalAlpha = 1;
        if (ctx.measureText("warm-up").width + 6 > right - left) continue;
        // Lines may pass behind the word.
        ctx.fillStyle = faint(css("--panel"), 0.8);
        ctx.fillRect(left + 1, chartArea.top + 2, ctx.measureText("warm-up").width + 4, 13);
        ctx.fillStyle = css("--dim");
        ctx.fillText("warm-up", left + 3, chartArea.top + 3);
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
  const show = (what) => {
    Object.assign(shared, what);
    drawAll();
  };

  return { charts, show, marksNear, plugins: [warmupPlugin, marksPlugin, cursorPlugin] };
})();
