#!/usr/bin/python3
"""./dev bench: lgen beside programs that do the same work, in alternating runs; prints one table. They are a bare gRPC
C++ loop of its own, and Debian's h2load and wrk.

What is judged is the ratio of two programs' CPU time (user and system, as the kernel accounts them to the process,
start and end included) in runs side by side, and of several such ratios the median: machines are shared and noisy. Time on the wall is
printed where it is of interest and judges nothing. The exit code is 0 when every goal is met, else 1.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support", "py"))

from h2_parts import H2Parts
from http_parts import HttpParts
from measure import cpu_ratio, cpu_seconds, median_cpu, resident_bytes, run, schedule_switches, take_turns
from programs import Server
from table import Row, compared, print_table, wall
from waiting import Lines

KIB = 1024
OPENING_SECONDS = 300  # for 30,000 streams on a busy machine
ACTIVE_STREAMS = "grpc_server_active_streams"


class Bench(H2Parts, HttpParts):
    def __init__(self, arguments):
        self.bin = os.path.abspath(arguments.bin)
        self.runs = arguments.runs

    def program(self, name):
        return os.path.join(self.bin, name)

    def lgen(self, plan, server, *options):
        return [self.program("lgen"), os.path.join(HERE, plan), "--target", server.target, "--quiet", "--no-color",
                *options]

    def bare(self, server, *options):
        return [self.program("bare_grpc"), "--target", server.target, *options]

    # Each of the following is one part of the table.

    def unary(self):
        """64 calls in flight over 4 channels"""
        calls = 100_000
        with Server() as server:
            ours, bare = take_turns(self.runs, self.lgen("unary.lua", server, "--calls", calls),
                                    self.bare(server, "--channels", 4, "--inflight", 64, "--calls", calls))
        return [compared("unary SayHello from Lua, 64 in flight, 4 channels", ours, bare, calls, "call", 1.10)]

    def one_line(self):
        """`lgen bench` beside the plan that one would write for it"""
        calls = 100_000
        data = '{"name": "vu{{.WorkerID}}"}'
        with Server() as server:
            words = [self.program("lgen"), "bench", server.target, "hello.Hello/SayHello", "--proto", "hello.proto",
                     "--quiet", "--no-color", "-n", calls, "-c", 64, "--connections", 4, "-t", "10s", "-d", data]
            bench, plan = take_turns(self.runs, words, self.lgen("unary.lua", server, "--calls", calls))
        note = f"{median_cpu(bench) / calls * 1e6:.2f} us CPU a call, the plan {median_cpu(plan) / calls * 1e6:.2f}"
        return [Row("lgen bench, unary SayHello", cpu_ratio(bench, plan), "x plan", 1.05, note)]

    def stream(self):
        """30 client streams over 3 channels, flat out"""
        streams, messages = 30, 30_000
        work = ["--channels", 3, "--streams", streams, "--messages", messages, "--hint-every", 64]
        with Server() as server:
            ours, bare, ours_composed, bare_composed = take_turns(
                self.runs, self.lgen("stream.lua", server, "--messages", messages), self.bare(server, *work),
                self.lgen("stream.lua", server, "--messages", messages, "--compose"),
                self.bare(server, *work, "--compose", 1))
        count = streams * messages
        return [compared("streamed message from Lua, 30 streams, 3 channels", ours, bare, count, "message", 1.15),
                compared("the same with a text made up for each", ours_composed, bare_composed, count, "message", None)]

    def open_model(self):
        """10,000 calls a second for 30 s: all of them, and how late"""
        with Server() as server, tempfile.TemporaryDirectory() as folder:
            result = os.path.join(folder, "result.json")
            used = run(self.lgen("open_model.lua", server, "--validity", "warn", "--out", "json=" + result))
            with open(result, encoding="utf-8") as file:
                summary = json.load(file)
        (scenario,) = summary["scenarios"]
        lag, response, service = (
            summary["metrics"][metric]["total"]
            for metric in ("start_lag_seconds", "grpc_call_duration_seconds", "grpc_call_service_seconds"))
        note = (f"{scenario['started']:,} of {scenario['scheduled']:,}, {scenario['dropped']:,} dropped; "
                f"{used.cpu / scenario['started'] * 1e6:.2f} us CPU a call, {used.wall:.1f} s on the wall")
        times = (f"response p50 {response['med'] * 1e3:.2f} ms, p99 {response['p99'] * 1e3:.2f} ms; "
                 f"service p99 {service['p99'] * 1e3:.2f} ms; the run is {summary['validity']['verdict']}")
        return [Row("open model, 10,000/s for 30 s: calls made of those scheduled",
                    scenario["started"] / scenario["scheduled"] * 100, "%", 100, note, at_least=True),
                Row("open model, start lag p99", lag["p99"] * 1e3, "ms", None, times)]

    def codec(self):
        out = run([self.program("codec_bench")]).out
        found = re.findall(r"^(\S+ to \S+)\s+([\d.]+) x the generated class.*takes ([\d.]+) x", out, re.MULTILINE)
        rows = []
        for (what, ratio, dynamic), goal in zip(found, (4, 6), strict=True):
            rows.append(Row(f"codec, {what}", float(ratio), "x generated", goal))
            rows.append(Row(f"codec, {what}: DynamicMessage", float(dynamic), "x lgen", 5, at_least=True))
        return rows

    def metrics(self):
        out = run([self.program("metrics_bench")]).out
        nanoseconds = {what.strip(): float(ns) for what, ns in re.findall(r"^(.*?)\s+([\d.]+) ns$", out, re.MULTILINE)}
        shares = dict(re.findall(r"^(.*?)\s+([\d.]+) % of a core$", out, re.MULTILINE))
        call = nanoseconds["call: counter and two histograms, 10 backends in turn"]
        goals = {"one snapshot, 1,000 series, 100 histograms": 1}
        every_second = [Row(f"every second: {what}", float(share), "% of a core", goals.get(what))
                        for what, share in shares.items()]
        return [Row("recording one sample of a histogram", nanoseconds["histogram, with its time line"], "ns", 40),
                Row("recording a call, per sample", call / 3, "ns", 40, f"{call:.0f} ns for its three samples"), *every_second]

    def start(self):
        """from exec to the end of a run of one call"""
        with Server() as server:
            ours, bare, usage = take_turns(
                4 * self.runs, self.lgen("unary.lua", server, "--calls", 1, "--channels", 1, "--in-flight", 1),
                self.bare(server, "--channels", 1, "--inflight", 1, "--calls", 1),
                [self.program("lgen"), os.path.join(ROOT, "plans", "multi_channel.lua"), "--help"])
        return [compared("start to first RPC and exit", ours, bare, 1, "run", 1.5),
                Row("lgen PLAN --help, CPU", median_cpu(usage) * 1e3, "ms", 50, wall(usage))]

    def held(self, streams=10_000, goal=24):
        """streams that are open and idle: memory of each, CPU of all"""
        with Server() as server:
            return self.held_on([server], streams, 20, goal)

    def held_many(self):
        return self.held(30_000, None)

    def held_on(self, servers, streams, channels, goal, *options):
        base, _, _ = self.hold(servers, 1, channels, *options)
        full, idle, switches = self.hold(servers, streams, channels, *options)
        each = (full - base) / (streams - 1)
        what = f"{streams:,} held streams{' over h2' if 'h2' in options else ''}"
        return [Row(f"{what}, resident memory of each", each / KIB, "KiB", goal, f"{full / KIB / KIB:.0f} MiB in all"),
                Row(f"{what}, idle CPU", idle * 100, "% of a core", 1, f"{switches:.0f} wake-ups a second")]

    def hold(self, servers, streams, channels, *options):
        """Resident bytes with `streams` open; CPU seconds and wake-ups for each idle second."""
        others = ",".join(server.target for server in servers[1:])
        command = self.lgen("held.lua", servers[0], "--streams", str(streams), "--channels", str(channels),
                            "--others", others, *options)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        out = Lines(process.stdout)
        try:
            wait_for_streams(servers, streams, process, out)
            time.sleep(2)
            cpu, switches, seconds = cpu_seconds(process.pid), schedule_switches(process.pid), 10 if streams > 1 else 0.1
            time.sleep(seconds)
            used = (cpu_seconds(process.pid) - cpu) / seconds
            woken = (schedule_switches(process.pid) - switches) / seconds
            memory = resident_bytes(process.pid)
            process.send_signal(signal.SIGTERM)
            process.wait(OPENING_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        if not any(f"{streams:,} opened = {streams:,} OK" in line for line in out.all_until_end()):
            raise RuntimeError("not every stream has ended well:\n" + "\n".join(out.all()))
        return memory, used, woken


def wait_for_streams(servers, streams, process, out):
    end = time.monotonic() + OPENING_SECONDS
    while sum(server.metrics().get(ACTIVE_STREAMS, 0) for server in servers) != streams:
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{streams} streams did not open:\n" + "\n".join(out.all()))
        time.sleep(0.1)


PARTS = ("unary", "one_line", "stream", "open_model", "codec", "metrics", "start", "held", "held_many", "h2_1x32",
         "h2_4x16", "h2_16x16", "h2_tls", "h2_instructions", "h2_unary", "h2_stream", "h2_held", "h2_held_100k",
         "http1", "http2", "http1_instructions", "http2_instructions")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "release", "bin"), help="where the programs are")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part, not all; may be given several times")
    parser.add_argument("--runs", type=int, default=5, help="runs of each program [5]")
    parser.add_argument("--json", metavar="FILE", help="write the table there, too")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    os.environ["LGEN_BIN_DIR"] = os.path.abspath(arguments.bin)
    bench = Bench(arguments)
    rows = []
    for part in arguments.only or PARTS:
        print(f"bench: {part} ...", file=sys.stderr, flush=True)
        rows += getattr(bench, part)()
    print_table(rows)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump([row.as_json() for row in rows], file, indent=2)
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
