// The page out of its data (page_data.h says what the parts hold): lgenPage.show(root, data) draws everything,
// lgenPage.update({part: …}) draws these parts anew in place, lgenPage.append({chart: [value, …]}) adds one interval.
// Names of the run only ever become text nodes.
"use strict";
const lgenPage = (() => {
  const { el } = lgenCharts;
  const { words, parts, plain, clock } = lgenWords;
  const charts = new Map();
  const places = new Map();
  let all = {};

  // --- pieces -----------------------------------------------------------------------------------------------------
  const text = (name, className, ...children) => el(name, { class: className }, ...children);
  const note = (words) => text("p", "note", words);
  const mark = (ok) => text("span", `mark ${ok ? "good" : "bad"}`, ok ? "✓" : "✗");
  /** Long names may break after these. */
  const soft = (name) => name.split(/(?<=[/.])/).flatMap((piece, i) => (i > 0 ? [el("wbr"), piece] : [piece]));
  const percent = (share) => (share === 0 ? "0 %" : share < 0.0001 ? "< 0.01 %" : `${Number((100 * share).toPrecision(3))} %`);
  const counted = (n, word) => `${plain(n)} ${word}${n === 1 ? "" : "s"}`;
  /** A number that tests and copy-paste can take back: the text is rounded, data-value is not. */
  const figure = (value, unit, attributes = {}) => el("span", { "data-value": value === null ? "" : String(value), ...attributes }, words(value, unit));
  const n = (value, unit = "") => el("td", { class: "n", "data-value": value === null || value === undefined ? "" : String(value) }, words(value, unit));

  /** columns: [title, class]; rows: elements of tbody. */
  const table = (caption, columns, rows, more) =>
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      el("table", {}, el("caption", {}, caption, more ? text("span", "dim", ` ${more}`) : null),
        el("thead", {}, el("tr", {}, ...columns.map(([title, kind]) => el("th", { scope: "col", class: kind }, title)))),
        el("tbody", {}, ...rows)));
  const panel = (...children) => el("div", { class: "panel" }, ...children);
  const row = (...cells) => el("tr", {}, ...cells.filter((cell) => cell !== null));
  const th = (...children) => el("th", { scope: "row" }, ...children);
  const td = (className, ...children) => el("td", { class: className }, ...children);
  const group = (title, span, more) => el("tr", { class: "group" }, el("th", { colspan: span, scope: "rowgroup" }, ...soft(title), more ? text("span", "dim", ` ${more}`) : null));
  const factList = (facts) => el("dl", { class: "facts-list" }, ...facts.map(([key, value]) => el("div", {}, el("dt", {}, key), el("dd", {}, value))));

  // --- charts -----------------------------------------------------------------------------------------------------
  /** The chart of that id, made when it is new; draws once it is in the document. */
  const chart = (spec) => {
    let one = charts.get(spec.id);
    if (!one) charts.set(spec.id, (one = lgenCharts.make(spec)));
    one.spec = spec;
    queue.push(one);
    return one.figure;
  };
  let queue = [];
  const drawQueue = () => {
    for (const one of queue) one.update();
    queue = [];
  };
  const timeCharts = (wanted) => {
    const time = all.time;
    return (time ? time.charts : []).filter(wanted).map((spec) => chart({ step: time.step, length: time.length, last_step: time.last_step, ...spec, help: helpOf(spec) }));
  };
  const helpOf = (spec) => {
    if (spec.kind === "percentiles" && spec.covered < 0.999) return `percentiles cover ${percent(spec.covered)} of the samples`;
    return spec.help;
  };

  // --- sections: each gives its children, or nothing ------------------------------------------------------------------
  const kVerdicts = { per_connection: "per connection", per_stream: "per stream", per_stream_within_subset: "per stream, within a subset", inconclusive: "inconclusive" };

  const isGoing = () => all.outcome.end === "running" || all.outcome.end === "paused";
  const kEnds = { running: ["▸", "Running"], paused: ["‖", "Paused"], signal: ["!", "Stopped"], aborted: ["✗", "Aborted"] };
  function top() {
    const { run, outcome } = all;
    const started = run.started_unix ? new Date(run.started_unix * 1000).toISOString().slice(0, 19).replace("T", " ") + " UTC" : "";
    const where = run.target ? `${run.target} (${[run.security, run.transport].filter((x) => x).join(", ")})` : "";
    const facts = [run.plan === run.name ? "" : run.plan, where, started, `${isGoing() ? "for" : "ran"} ${words(run.duration, "s")}${run.paused > 0 ? `, ${words(run.paused, "s")} of it paused` : ""}`, run.host].filter((x) => x);
    const sound = outcome.validity === "valid" && outcome.conservation === "";
    const [mark, verb] = outcome.passed && !isGoing() ? ["✓", "Passed"] : kEnds[outcome.end] || ["✗", "Failed"];
    const tone = isGoing() ? "going" : outcome.end === "signal" || (outcome.passed && !sound) ? "warn" : outcome.passed ? "good" : "bad";
    return [
      el("div", { class: "what" }, el("h1", {}, run.name || "lgen"), text("p", "about", run.about)),
      el("p", { class: "facts" }, ...facts.map((fact) => el("span", {}, fact))),
      el("div", { class: `outcome ${tone}` },
        el("p", { id: "verdict" }, el("b", {}, `${mark} ${verb}`), verdictLine(outcome)),
        el("dl", {}, ...outcomeCells(outcome))),
    ];
  }
  const kept = { valid: "the generator kept up", suspect: "the generator was not always on time", invalid: "the generator was the bottleneck" };
  /** ": exit code 99, 2 thresholds failed", and for a pass what qualifies it. */
  const verdictLine = (outcome) => {
    if (isGoing()) return "";
    if (!outcome.passed) return `: ${outcome.words}`;
    const doubts = [outcome.validity === "valid" ? "" : kept[outcome.validity], outcome.conservation && "not everything is accounted for"].filter((x) => x);
    return outcome.words.replace(/^passed/, "") + (doubts.length > 0 ? `, but ${doubts.join(", and ")}` : "");
  };
  const tally = (title, { passed, failed }, excuse = "") => {
    const whole = passed + failed;
    if (whole === 0) return cell(title, text("span", "dim", "none set"));
    if (failed > 0 && excuse !== "") return cell(title, text("span", "warn", `! ${failed} of ${whole} failed`), excuse);
    return failed === 0 ? cell(title, text("span", "good", `✓ ${passed} of ${whole} passed`)) : cell(title, text("span", "bad", `✗ ${failed} of ${whole} failed`));
  };
  const cell = (title, value, more, wide) => el("div", { class: wide ? "wide" : undefined }, el("dt", {}, title), el("dd", {}, value), more ? el("dd", { class: "more" }, more) : null);
  const outcomeCells = (outcome) => {
    const ended = isGoing() ? text("span", "", outcome.end) : outcome.end === "completed" ? text("span", "", "completed") : text("span", outcome.end === "signal" ? "warn" : "bad", outcome.end === "signal" ? "stopped" : outcome.end.replace("_", " "));
    const words = { valid: text("span", "good", "✓ VALID"), suspect: text("span", "warn", "! SUSPECT"), invalid: text("span", "bad", "✗ INVALID") };
    const cells = [cell("Run", ended, outcome.end === "completed" || isGoing() ? "" : outcome.ended), tally("Thresholds", outcome.thresholds), tally("Checks", outcome.checks, outcome.checks_excuse)];
    for (const verdict of isGoing() ? [] : outcome.verdicts) {
      cells.push(cell(`Verdict: ${verdict.name}`, text("span", verdict.kind === "inconclusive" ? "warn" : "", kVerdicts[verdict.kind] || verdict.kind), verdict.words, true));
    }
    const validity = cell("Validity", words[outcome.validity], outcome.reasons.length > 0 ? outcome.reasons.join("; ") : isGoing() ? "so far" : kept[outcome.validity], outcome.reasons.length > 0);
    cells.push(validity);
    if (outcome.conservation) cells.push(cell("Not accounted for", text("span", "bad", `✗ ${outcome.conservation}`), "", true));
    return cells;
  };

  function figures() {
    return [el("div", { class: "tiles" }, ...all.figures.map((tile) => {
      const [number, unit] = parts(tile.value, tile.unit);
      const details = [
        tile.rate !== undefined ? words(tile.rate, "/s") : "",
        tile.share !== undefined && tile.value > 0 ? percent(tile.share) : "",
        tile.detail || "",
      ].filter((x) => x);
      return el("div", { class: "tile" }, text("div", "label", tile.label),
        el("div", { class: `value ${tile.tone === "bad" ? "bad" : ""}`, "data-figure": tile.id, "data-value": tile.value === null ? "" : String(tile.value) }, number, unit ? el("small", {}, unit) : null),
        text("div", "detail", details.join(" ")));
    }))];
  }

  function judged() {
    const { thresholds, checks, thresholds_all, checks_all } = all.judged;
    const made = [];
    const both = thresholds.length > 0 && checks.length > 0;
    if (thresholds.length > 0) {
      made.push(panel(table("Thresholds", [["", ""], ["demanded", ""], ["observed", "n"]],
        thresholds.map((t) => row(td("", mark(t.ok)), td("text", text("span", "mono", t.words), t.why === "" ? null : text("div", "dim", t.why)), t.observed === null ? td("n", "no samples") : n(t.observed, t.unit))),
        thresholds_all > thresholds.length ? `the first ${thresholds.length} of ${thresholds_all}` : "")));
    }
    if (checks.length > 0) {
      made.push(panel(table("Checks", [["", ""], ["check", ""], ["passed", "n"], ["failed", "n"], ["first failure", ""]],
        checks.map((c) => row(td("", c.passes + c.fails === 0 ? "–" : c.fails > 0 && all.outcome.checks_excuse ? text("span", "mark warn", "!") : mark(c.fails === 0)), td("text", c.name, c.warmup === 0 ? null : text("div", "dim", `and ${plain(c.warmup)} in warm-up${c.warmup_fails > 0 ? `, ${plain(c.warmup_fails)} of them failed` : ""}`)), n(c.passes), n(c.fails), td("text dim", c.first_failure))),
        checks_all > checks.length ? `the first ${checks.length} of ${checks_all}` : "")));
    }
    return both ? [el("div", { class: "pair" }, ...made)] : made;
  }

  // --- the matrix ---
  const heatCell = (count, most, title) => {
    if (count === 0) return el("td", { class: "zero", title }, "·");
    const share = 0.1 + 0.9 * (count / most);
    const cell = el("td", { title }, plain(count));
    cell.style.background = lgenCharts.heat(share);
    const inks = lgenCharts.list("--heat-ink");
    cell.style.color = inks[Math.round(share * (inks.length - 1))];
    return cell;
  };
  const sums = (counts, width) => Array.from({ length: width }, (_, c) => counts.reduce((sum, one) => sum + one[c], 0));
  function matrix(spread) {
    const m = spread.matrix;
    const width = m.col_names.length;
    const most = Math.max(1, ...m.counts.flat());
    const small = width > 14;
    const tallHeads = small && Math.max(...m.col_short.map((name) => name.length)) > 4;
    const columnSums = sums(m.counts, width);
    const share = (count) => (m.total > 0 ? `${Math.round((100 * count) / m.total)} %` : "");
    const body = m.counts.map((one, r) => row(th(m.row_names[r]),
      ...one.map((count, c) => heatCell(count, most, `${m.row_names[r]} on ${m.col_names[c]}: ${plain(count)}`)),
      td("sum", plain(one.reduce((a, b) => a + b, 0)))));
    const foot = [row(th(text("span", "dim", "sum")), ...columnSums.map((sum) => td("sum", plain(sum))), td("sum", plain(m.total)))];
    if (width > 1) foot.push(row(th(text("span", "dim", "share")), ...columnSums.map((sum) => td("sum", share(sum))), td("sum", "")));
    const caption = `${spread.name}: ${m.rows} × ${m.cols}`;
    return el("div", { class: `scroll ${m.counts.length > 26 ? "tall" : ""}`, tabindex: "0", role: "region", "aria-label": caption },
      el("table", { class: `matrix ${small ? "small" : ""} ${tallHeads ? "tall-heads" : ""}` }, el("caption", {}, caption, m.pattern ? text("span", "dim", ` ${m.cols}s: ${m.pattern}`) : null),
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, m.rows), ...m.col_short.map((name, c) => el("th", { scope: "col", title: m.col_names[c] }, name)), el("th", { scope: "col" }, "sum"))),
        el("tbody", {}, ...body), el("tfoot", {}, ...foot)));
  }
  function spread() {
    return all.spread.map((one) => {
      const filled = one.matrix.row_names.length > 0 && one.matrix.col_names.length > 0;
      const even = filled && one.matrix.col_names.length > 1 ? `Evenness: Jain ${one.jain.toFixed(3)} of 1; the fullest has ${one.max_over_mean.toFixed(2)} × the mean.` : "";
      const brief = (name) => one.matrix.col_short[one.matrix.col_names.indexOf(name)] || name;
      let sets = one.kind === "per_stream_within_subset" ? one.subsets.map((set, i) => note(`set ${i + 1}: ${set.map(brief).join(", ")}`)) : [];
      if (one.subsets.flat().length > 20) sets = [el("details", {}, el("summary", {}, counted(one.subsets.length, "set")), ...sets)];
      const judged = isGoing() ? [note(`${one.name}: judged when the run is over.`)]
        : [el("p", { class: "verdict" }, text("span", "kind", kVerdicts[one.kind] || one.kind), `: ${one.words}`), ...sets, note(one.why)];
      const said = el("div", { class: "said" }, ...judged, even ? note(even) : null);
      return panel(el("div", { class: "spread" }, said, filled ? matrix(one) : null));
    });
  }

  // --- time ---
  const kTraffic = ["calls", "requests", "messages", "streams_rate", "streams", "iterations", "vus"];
  function overTime() {
    const shown = all.time.charts;
    // Iterations tell nothing that calls and streams do not, unless some were dropped or failed.
    const told = shown.some((c) => c.id === "calls" || c.id === "requests" || c.id === "streams_rate");
    const wanted = (c) => !(c.id === "iterations" && told && c.lines.length === 1) && c.kind !== "rows";
    const made = kTraffic.flatMap((id) => timeCharts((c) => c.id === id && wanted(c)));
    const rows = timeCharts((c) => c.kind === "rows");
    if (rows.length > 0) rows[0].style.marginTop = "10px";
    if (made.length + rows.length === 0) return [];
    const [step, last] = [all.time.step, all.time.last_step].map((s) => words(s, "s"));
    const rest = isGoing() || last === step ? "" : `, the last one ${last}`;
    const about = note(`Each point covers ${step}${rest}.${all.events.all > 0 ? " ▾ marks an event." : ""}${all.time.warmups.length > 0 ? ` The shaded part is the warm-up of ${all.time.warmed.join(", ")}; the figures leave it out.` : ""}`);
    return [about, ...(made.length > 0 ? [el("div", { class: "pair", style: "margin-top: 6px" }, ...made)] : []), ...rows];
  }
  const latencyCharts = () => {
    const made = timeCharts((c) => c.id.startsWith("latency_") || c.id.startsWith("heat_"));
    return made.length > 0 ? [el("div", { class: "pair" }, ...made)] : [];
  };

  // --- latency ---
  function latency() {
    const made = [];
    if (all.latency.groups.length > 0) {
      const rows = all.latency.groups.flatMap((g) => [group(g.title, 9), ...g.rows.map((r) =>
        row(el("th", { scope: "row", title: r.help }, r.label), n(r.count), ...r.values.map((value) => n(value, r.unit))))]);
      made.push(panel(table("Latency", [["", ""], ["count", "n"], ["min", "n"], ["avg", "n"], ["med", "n"], ["p90", "n"], ["p95", "n"], ["p99", "n"], ["max", "n"]], rows)));
    }
    const { lines, left_out } = all.latency.spectra;
    if (lines.length > 0) {
      made.push(chart({ id: "spectrum", kind: "spectrum", title: "Percentile spectrum", unit: "s", lines, help: left_out > 0 ? `the ${lines.length} most used; ${left_out} more are in the table` : "each step to the right is ten times rarer" }));
    }
    return made;
  }

  // --- traffic ---
  function codes() {
    const { codes } = all.traffic;
    if (codes.length === 0) return [];
    const rows = codes.flatMap((g) => {
      const whole = g.rows.reduce((sum, r) => sum + r.count, 0);
      return [group(g.title, 5, g.unit), ...g.rows.map((r) => {
        const bar = el("i", { class: r.good ? "" : "bad" });
        bar.style.width = `${(100 * r.count) / whole}%`;
        return row(th(text("span", r.good ? "" : "bad", r.code)), n(r.count), td("n", percent(r.count / whole)), n(r.rate, "/s"), td("bar", bar));
      })];
    });
    return [panel(table("Status codes", [["", ""], ["count", "n"], ["share", "n"], ["rate", "n"], ["", ""]], rows))];
  }
  function requests() {
    const s = all.traffic.sums;
    if (s.http_requests === 0) return [];
    const lines = [["requests", s.http_requests, ""], ["… on a connection made before", s.http_requests_reused, ""], ["… sent once more", s.http_requests_retried, ""], ["redirects followed", s.http_redirects, ""],
      ["connections made", s.http_connections, ""], ["bytes sent", s.http_bytes_sent, "B"], ["bytes received", s.http_bytes_received, "B"]];
    return [panel(table("Requests", [["", ""], ["count", "n"]], lines.filter(([, count]) => count > 0).map(([name, count, unit]) => row(th(name), n(count, unit)))))];
  }
  function traffic() {
    const made = [...codes(), ...streams(), ...requests()];
    return made.length > 1 ? [el("div", { class: "pair" }, ...made)] : made;
  }
  function streams() {
    const s = all.traffic.sums;
    if (s.grpc_streams_opened === 0) return [];
    const lines = [["opened", s.grpc_streams_opened], ["ended", s.grpc_streams_ended], ["still open", s.grpc_streams_opened - s.grpc_streams_ended], ["failed", s.grpc_streams_failed], ["leaked by their task", s.grpc_streams_leaked],
      ["messages accepted", s.grpc_messages_sent + s.grpc_messages_discarded], ["… written", s.grpc_messages_sent], ["… discarded", s.grpc_messages_discarded],
      ["written and confirmed", s.grpc_messages_confirmed], ["written, not confirmed", s.grpc_messages_unconfirmed], ["messages received", s.grpc_messages_received], ["unanswered", s.grpc_messages_unanswered], ["unmatched", s.grpc_messages_unmatched]];
    const always = new Set(["opened", "ended", "failed", "messages accepted", "… written", "… discarded", "messages received"]);
    return [panel(table("Streams and messages", [["", ""], ["count", "n"]], lines.filter(([name, count]) => count > 0 || always.has(name)).map(([name, count]) => row(th(name), n(count)))))];
  }
  function backends() {
    return all.traffic.backends.filter((b) => b.rows.length > 1).map((b) => {
      const confirmed = b.unit === "streams" && b.rows.some((r) => r.confirmed > 0);
      const columns = [["backend", ""], [b.unit, "n"], ["OK", "n"], ["other", "n"], ...(confirmed ? [["confirmed", "n"]] : []), ["med", "n"], ["p99", "n"], ["max", "n"], ["", ""]];
      const most = Math.max(...b.rows.map((r) => r.all));
      return panel(table(`Backends by ${b.unit}`, columns, b.rows.map((r) => {
        const bar = el("i");
        bar.style.width = `${(100 * r.all) / most}%`;
        return row(th(r.backend), n(r.all), n(r.ok), n(r.all - r.ok), confirmed ? n(r.confirmed) : null, n(r.med, "s"), n(r.p99, "s"), n(r.max, "s"), td("bar", bar));
      })));
    });
  }

  const startedOf = (s) => {
    const cell = n(s.started);
    if (s.started_in_warmup > 0) cell.append(text("div", "dim", `${plain(s.started_in_warmup)} in warm-up`));
    return cell;
  };
  function scenarios() {
    if (all.scenarios.length === 0) return [];
    const columns = [["scenario", ""], ["load", ""], ["started", "n"], ["ok", "n"], ["failed", "n"], ["cancelled", "n"], ["dropped", "n"], ["running", "n"], ["VUs at most", "n"], ["ran", "n"]];
    return [panel(table("Scenarios", columns, all.scenarios.map((s) => row(th(s.name), td("text", s.load + (s.warmup > 0 ? `; ${words(s.warmup, "s")} of it warm-up${s.started_in_warmup > 0 ? "" : ", included in this row"}` : "") + (s.paused > 0 ? `; paused for ${words(s.paused, "s")}` : "")),
      startedOf(s), n(s.succeeded), n(s.failed), n(s.cancelled), n(s.dropped), n(s.running), n(s.max_vus), n(s.elapsed, "s"))), "iterations"))];
  }

  function connections() {
    const c = all.connections;
    const made = [];
    const said = [c.words, c.making].filter((one) => one).map((one) => one[0].toUpperCase() + one.slice(1) + ".");
    if (said.length > 0) made.push(note(said.join(" ")));
    if (c.channels.length > 0) {
      const rows = c.channels.map((one) => row(th(one.name), td("", one.target), n(one.connections), n(one.failed_attempts), td("text dim", one.last_error || (one.shared ? "shared connection" : ""))));
      const tableOf = table("Channels", [["channel", ""], ["target", ""], ["connections", "n"], ["failed attempts", "n"], ["last error", ""]], rows,
        c.channels_all > c.channels.length ? `the first ${c.channels.length} of ${plain(c.channels_all)}` : "");
      made.push(panel(c.channels.length > 12 ? el("details", {}, el("summary", {}, counted(c.channels_all, "channel")), tableOf) : tableOf));
    }
    if (c.ended.length > 0) {
      const rows = c.ended.map((one) => row(th(one.name), td("", one.peer), td("n", clock(one.opened_at)), td("n", clock(one.closed_at)), n(one.closed_at - one.opened_at, "s"),
        td("", one.goaway === "" ? "" : one.goaway === "inferred" ? "GOAWAY (inferred)" : "GOAWAY"), td("text dim", one.reason)));
      const tableOf = table("Connections that ended before the run did", [["connection", ""], ["peer", ""], ["opened", "n"], ["left", "n"], ["lived", "n"], ["by", ""], ["reason", ""]], rows,
        c.ended_all > c.ended.length ? `the first ${c.ended.length} of ${plain(c.ended_all)}` : "");
      made.push(panel(c.ended.length > 12 ? el("details", {}, el("summary", {}, `${counted(c.ended_all, "connection")} ended before the run did`), tableOf) : tableOf));
    }
    return made;
  }

  function coldStarts() {
    const { median, rows } = all.cold_starts;
    if (rows.length === 0) return [];
    const made = table("Cold starts", [["took", "n"], ["connecting", "n"], ["at", "n"], ["backend", ""], ["connection", ""], ["method", ""], ["code", ""], ["why", ""]],
      rows.map((c) => row(n(c.duration, "s"), n(c.connecting, "s"), td("n", clock(c.at)), td("", c.backend), td("", c.connection), td("text dim", ...soft(c.method)), td(c.good ? "" : "bad", c.code), td("text", c.why))));
    return [note(`The slowest first calls on a backend or a connection${median > 0 ? `; the median of all is ${words(median, "s")}` : ""}.`),
      panel(rows.length > 12 ? el("details", {}, el("summary", {}, counted(rows.length, "first call")), made) : made)];
  }

  function events() {
    const e = all.events;
    if (e.all === 0) return [];
    const kinds = e.kinds.map(([name, count]) => (count > 1 ? `${name} ×${plain(count)}` : name)).join(", ");
    const rows = e.marks.map((one) => row(td("n", clock(one.at)), td("", one.name), td("text dim", one.fields)));
    const tableOf = table("Events", [["at", "n"], ["event", ""], ["", ""]], rows, e.all > e.marks.length ? `${plain(e.marks.length)} of ${plain(e.all)}, the rare ones first` : "");
    return [note(`${kinds}. They are the marks ▾ on the charts over time.${e.dropped > 0 ? ` ${plain(e.dropped)} more were not kept.` : ""}`),
      panel(e.marks.length > 12 ? el("details", {}, el("summary", {}, counted(e.marks.length, "event")), tableOf) : tableOf)];
  }

  const printed = () => (all.printed.length > 0 ? [panel(el("pre", { class: "printed", tabindex: "0" }, all.printed.join("\n")))] : []);

  function errors() {
    const { rows, rest } = all.errors;
    if (rows.length === 0 && rest === 0) return [];
    const when = (e) => (e.first_at === e.last_at ? clock(e.first_at) : `${clock(e.first_at)} – ${clock(e.last_at)}`);
    return [panel(table("Errors", [["count", "n"], ["code", ""], ["message", ""], ["where", ""], ["backend", ""], ["when", "n"]],
      rows.map((e) => row(n(e.count), td("bad", e.code), td("text", e.message || "(no message)", e.warmup > 0 ? text("div", "dim", e.count > 0 ? `and ${plain(e.warmup)} in warm-up` : `${plain(e.warmup)} in warm-up alone`) : null), td("text dim", ...soft(e.where)), td("", e.backend), td("n", when(e)))),
      rest > 0 ? `and ${plain(rest)} of other kinds` : ""))];
  }

  const longName = (name) => el("th", { scope: "row", class: "long" }, ...soft(name));
  /** Those of the plan, or those that were scraped for it. */
  function ownMetrics(title, scraped) {
    const made = [];
    const drawn = timeCharts((c) => c.own && c.scraped === scraped);
    const shown = all.metrics.filter((m) => m.scraped === scraped);
    if (shown.length > 0) {
      const rows = shown.flatMap((m) => {
        const one = m.series.length === 1 && m.series[0].labels === "";
        const rise = m.scraped && m.type === "counter" ? "+" : "";
        const value = (s) => (m.type === "rate" ? percent(s.value) : rise + words(s.value, m.unit));
        const more = (s) => (m.type === "gauge" ? (s.min === s.max ? "" : `${words(s.min, m.unit)} to ${words(s.max, m.unit)}`) : m.type === "rate" ? `of ${plain(s.count)}` : "");
        const lines = m.series.map((s) => row(longName(one ? m.name : s.labels || "(no labels)"), el("td", { class: "n", "data-value": String(s.value) }, value(s)), td("dim n", more(s)), td(one && m.help ? "text dim" : "", one ? m.help : "")));
        const resting = m.resting || 0;
        const moreSeries = m.series_all - m.series.length - resting;
        if (moreSeries > 0) lines.push(row(th(text("span", "dim", `… ${plain(moreSeries)} more series`)), td(""), td(""), td("")));
        if (resting > 0) lines.push(row(th(text("span", "dim", `${plain(resting)} series that did not rise`)), td(""), td(""), td("")));
        return one ? lines : [group(m.name, 4, m.help), ...lines];
      });
      made.push(panel(table(title, [["metric", ""], [scraped ? "value or rise" : "value", "n"], ["range", "n"], ["", ""]], rows)));
    }
    return drawn.length > 0 ? [...made, el("div", { class: "pair", style: "margin-top: 10px" }, ...drawn)] : made;
  }

  function generator() {
    const g = all.generator;
    const said = { valid: "The generator kept up: its figures may be believed", suspect: "The generator was not always on time", invalid: "The generator was the bottleneck: these figures say more about it than about the system under test" };
    const facts = [["CPU", `${words(g.cpu_seconds, "s")} (${percent(g.cpu_share)} of a core)`], ["memory at most", words(g.max_rss, "B")], ["file descriptor limit", plain(g.fd_limit)]];
    if (g.throttled_share > 0) facts.push(["throttled", percent(g.throttled_share)]);
    if (g.dropped_with_free_vu > 0) facts.push(["arrivals dropped while a VU was free", plain(g.dropped_with_free_vu)]);
    const made = [note(said[g.validity] + (g.reasons.length > 0 ? `: ${g.reasons.join("; ")}.` : ".")), panel(factList(facts))];
    if (g.lags.length > 0) {
      made.push(panel(table("Its own lateness", [["", ""], ["count", "n"], ["med", "n"], ["p99", "n"], ["p99.9", "n"], ["max", "n"], ["", ""]],
        g.lags.map((l) => row(th(l.metric), n(l.count), ...l.values.map((value) => n(value, "s")), td("text dim", l.help))))));
    }
    return [...made, ...timeCharts((c) => c.id === "generator")];
  }

  function options() {
    const { run } = all;
    const shown = (value) => (value === true ? "yes" : value === false ? "no" : typeof value === "number" ? plain(value) : value);
    const made = run.options.length > 0 ? [panel(factList(run.options.map(([key, value]) => [key, el("code", {}, String(shown(value)))])))] : [];
    if (run.notes.length > 0) made.push(el("ul", { class: "note", style: "list-style: none" }, ...run.notes.map((one) => el("li", {}, one))));
    return made;
  }
  const footer = () => [`lgen ${all.run.version} · seed ${all.run.seed}${all.run.sha256 ? ` · plan sha256 ${all.run.sha256}` : ""}`];

  // --- the page ----------------------------------------------------------------------------------------------------
  /** [id, title, what it shows, parts of the data it is made of, shorter title]; without a title: no heading, no link. */
  const kSections = [
    ["figures", "", figures, ["figures"]],
    ["printed", "What the plan says", printed, ["printed"], "Plan"],
    ["judged", "Thresholds and checks", judged, ["judged"], "Thresholds"],
    ["spread", "Spread over backends", spread, ["spread"], "Spread"],
    ["time", "Over time", overTime, ["time", "events"]],
    ["latency-time", "Latency over time", latencyCharts, ["time"]],
    ["latency", "Latency", latency, ["latency"]],
    ["codes", "Status codes", traffic, ["traffic"], "Codes"],
    ["backends", "Backends", backends, ["traffic"]],
    ["scenarios", "Scenarios", scenarios, ["scenarios"]],
    ["connections", "Connections", connections, ["connections"]],
    ["cold-starts", "Cold starts", coldStarts, ["cold_starts"]],
    ["events", "Events", events, ["events"]],
    ["errors", "Errors", errors, ["errors"]],
    ["metrics", "Metrics of the plan", () => ownMetrics("Metrics of the plan", false), ["metrics", "time"], "Metrics"],
    ["system", "System under test", () => ownMetrics("System under test", true), ["metrics", "time"], "System"],
    ["generator", "Generator", generator, ["generator", "time"]],
    ["options", "Options", options, ["run"]],
  ];
  /** What a reader has opened or scrolled to, of a section that is drawn anew; called before, the result after. */
  const asBefore = (place) => {
    const open = [...place.querySelectorAll("details")].map((one) => one.open);
    const scrolled = [...place.querySelectorAll(".scroll")].map((one) => [one.scrollLeft, one.scrollTop]);
    return () => {
      place.querySelectorAll("details").forEach((one, i) => { one.open = open[i] || false; });
      place.querySelectorAll(".scroll").forEach((one, i) => { [one.scrollLeft, one.scrollTop] = scrolled[i] || [0, 0]; });
    };
  };
  const fill = ([id, title, show]) => {
    const place = places.get(id);
    const restore = asBefore(place);
    const made = show();
    place.hidden = made.length === 0;
    place.replaceChildren(...(title ? [el("h2", { id: `${id}-title` }, title)] : []), ...made);
    // A caption that repeats the heading is for those who do not see it.
    for (const caption of place.querySelectorAll("caption")) caption.classList.toggle("unseen", caption.textContent === title);
    restore();
  };
  const drawTop = () => {
    places.get("top").replaceChildren(...top());
    places.get("footer").replaceChildren(...footer());
  };
  const drawNav = () => {
    const shown = kSections.filter(([id, title]) => title && !places.get(id).hidden);
    places.get("nav").replaceChildren(...shown.map(([id, title, , , brief]) => el("li", {}, el("a", { href: `#${id}` }, brief || title))));
  };
  function show(root, data) {
    all = data;
    const nav = el("ul");
    const header = el("header", { class: "top" });
    const foot = el("footer");
    places.set("nav", nav).set("top", header).set("footer", foot);
    const sections = kSections.map(([id, title]) => {
      const place = el("section", title ? { id, "aria-labelledby": `${id}-title` } : { id, "aria-label": "Key figures" });
      places.set(id, place);
      return place;
    });
    root.replaceChildren(el("div", { class: "wrap" }, header, el("nav", { "aria-label": "Sections" }, nav), el("main", {}, ...sections), foot));
    update(data);
  }
  function update(changed) {
    all = { ...all, ...changed };
    if (changed.run || changed.outcome) drawTop();
    if (changed.events) lgenCharts.marks(changed.events.marks);
    if (changed.time) lgenCharts.warmups(changed.time.warmups);
    for (const section of kSections) if (section[3].some((part) => changed[part])) fill(section);
    drawNav();
    drawQueue();
  }
  function append(values) {
    for (const [id, one] of Object.entries(values)) if (charts.has(id)) charts.get(id).append(one);
  }
  // The matrix takes its colours when it is made.
  if (window.matchMedia) window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => update({ spread: all.spread }));
  for (const moment of ["beforeprint", "afterprint"]) window.addEventListener(moment, () => update({ spread: all.spread }));

  return { show, update, append };
})();
