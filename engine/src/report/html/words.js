// Numbers as people read them: three digits and a unit, the same on every chart and in every table.
"use strict";
const lgenWords = (() => {
  const digits = (x) => (x < 9.995 ? 2 : x < 99.95 ? 1 : 0);
  const plain = (x) => {
    if (x === 0) return "0";
    const size = Math.abs(x);
    if (Number.isInteger(x) || size >= 999.5) return Math.round(x).toLocaleString("en-US");
    if (size < 0.001) return x.toExponential(1);
    return size < 0.9995 ? String(Number(x.toPrecision(3))) : x.toFixed(digits(size));
  };
  /** [number, unit] of a duration in seconds: three digits. */
  const duration = (s) => {
    if (s <= 0) return ["0", "s"];
    if (s < 999.5e-6) return [(s * 1e6).toFixed(digits(s * 1e6)), "µs"];
    if (s < 0.9995) return [(s * 1e3).toFixed(digits(s * 1e3)), "ms"];
    if (s < 59.95) return [s.toFixed(digits(s)), "s"];
    const whole = Math.round(s);
    const two = (n) => String(n).padStart(2, "0");
    if (whole < 3600) return [`${Math.floor(whole / 60)}m${two(whole % 60)}s`, ""];
    return [`${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`, ""];
  };
  const bytes = (b) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let at = 0;
    for (; b >= 999.5 && at + 1 < units.length; ++at) b /= 1024;
    return [at === 0 ? String(Math.round(b)) : b.toFixed(digits(b)), units[at]];
  };
  const parts = (value, unit) => {
    if (value === null || value === undefined) return ["–", ""];
    if (unit === "s") return duration(value);
    if (unit === "B") return bytes(value);
    return [plain(value), unit || ""];
  };
  const words = (value, unit) => {
    const [number, of] = parts(value, unit);
    return of === "" ? number : of === "/s" ? number + "/s" : `${number}\u00a0${of}`;
  };
  /** Axis of time: 90 -> "1:30". */
  const clock = (s) => {
    if (s < 60) return `${Number(s.toFixed(3))}s`;
    const two = (n) => String(Math.floor(n)).padStart(2, "0");
    return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two((s % 3600) / 60)}:${two(s % 60)}`;
  };
  /** Millions and more take no more room than thousands: "20M". */
  const millions = (x) => {
    const at = Math.abs(x) >= 1e12 ? 3 : Math.abs(x) >= 1e9 ? 2 : 1;
    return `${Number((x / 10 ** (3 + 3 * at)).toPrecision(4))}${"MGT"[at - 1]}`;
  };
  /** Ticks of an axis: short, and whole where they are. */
  const tick = (value, unit) => {
    if (unit !== "s" && unit !== "B" && Math.abs(value) >= 1e6) return millions(value);
    const [number, of] = parts(value, unit);
    const brief = /^\d+\.\d*$/.test(number) ? String(Number(number)) : number;
    return of === "/s" || of === "" ? brief : brief + " " + of;
  };
  return { parts, words, plain, clock, tick };
})();
