// The page while its run goes on. Events of the server: `all` has every part of the data, `parts` those that have
// changed, with `grown` for the charts over time (the values of each chart from interval `from` on), `end` everything
// once more, when the run is over.
"use strict";
(() => {
  let data = JSON.parse(document.getElementById("data").textContent);
  const badge = lgenCharts.el("p", { id: "live", role: "status" });
  document.body.prepend(badge);
  const say = (state, words) => {
    badge.dataset.state = state;
    badge.textContent = words;
  };

  const join = (old, next, from) => [...old.slice(0, from), ...next];
  /** The chart as it was, grown by what has come. */
  const grow = (chart) => {
    const { from, ...grown } = chart;
    if (from === 0) return grown;
    const old = data.time.charts.find((one) => one.id === grown.id);
    if (grown.columns) grown.columns = join(old.columns, grown.columns, from);
    else grown.lines.forEach((line, i) => { line.values = join(old.lines[i].values, line.values, from); });
    return grown;
  };
  const take = (changed) => {
    if (changed.grown) {
      const { time } = changed.grown;
      changed.time = { ...time, charts: time.charts.map(grow) };
      delete changed.grown;
    }
    data = { ...data, ...changed };
    lgenPage.update(changed);
  };

  say("waiting", "connecting");
  const source = new EventSource("events");
  source.onopen = () => say("live", "live");
  source.onerror = () => say("waiting", "the connection is lost; trying again");
  for (const name of ["all", "parts"]) source.addEventListener(name, (event) => take(JSON.parse(event.data)));
  source.addEventListener("end", (event) => {
    source.close();
    take(JSON.parse(event.data));
    say("over", "the run is over; this page stays as it is");
  });
})();
