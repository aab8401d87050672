"""The open model against a server that stands still for two seconds: every call that was due then is accounted for, by
its place in the schedule, and the waiting is told apart from the serving and from lgen's own lateness."""

import json
import signal
import time

from lgen_runs import CALLS, PRELUDE, LgenCase
from programs import Server
from waiting import eventually

RATE, SECONDS, VUS = 200, 5, 20

PLAN = PRELUDE + CALLS + """
local opt = lgen.options { { "backlog", "duration", default = "10s" }, { "arrivals", default = "even" } }
io.stdout:setvbuf "line"

local calls = {}
lgen.scenario("calls", {
  load = lgen.load.constant_rate { rate = 200, duration = 5, max_vus = 20, backlog = opt.backlog,
                                   arrivals = opt.arrivals },
  run = function(vu)
    local started = lgen.now()
    lgen.check("answered", ch:call(SayHello, { name = "x" }))
    calls[#calls + 1] = { vu.scheduled_at, started, lgen.now() }
  end,
})
lgen.scenario("marks", {
  load = lgen.load.per_vu_iterations {},
  run = function()
    print(("clock %.6f"):format(lgen.time() - lgen.now()))
    lgen.sleep(1)
    print "stop it"
    lgen.sleep(2)
    print "let it go on"
  end,
})
lgen.teardown(function()
  for _, call in ipairs(calls) do print(("call %.9f %.9f %.9f"):format(unpack(call))) end
end)
"""


class Call:
    def __init__(self, due, started, done):
        self.due, self.started, self.done = due, started, done


def is_stopped(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "T"


class StandStill(LgenCase):
    def run_it(self, *flags):
        """The run's summary; when the server stood still (from, until), in lgen's time; the calls by their number."""
        self.write("plan.lua", PLAN)
        with Server() as server, \
                self.start("plan.lua", "--target", server.target, "--quiet", "--validity", "warn", "--out",
                           "json=" + self.path("result.json"), *flags) as run:
            clock = float(run.out.wait_for(r"clock (\S+)")[1])
            run.out.wait_for("stop it")
            server.send_signal(signal.SIGSTOP)
            eventually(lambda: is_stopped(server.process.pid), "a stopped server")
            stopped = time.time() - clock
            run.out.wait_for("let it go on")
            going_on = time.time() - clock
            server.send_signal(signal.SIGCONT)
            self.assertEqual(run.wait(), 0, "\n".join(run.err.all_until_end()))
            lines = run.out.all_until_end()
        with open(self.path("result.json"), encoding="utf-8") as file:
            summary = json.load(file)
        calls = [Call(*map(float, line.split()[1:])) for line in lines if line.startswith("call ")]
        self.assertEqual(summary["conservation"], "")
        return summary, (stopped, going_on), calls

    def number_calls(self, calls):
        """{place in the schedule: call}; an even schedule is known."""
        begin = min(call.due for call in calls)
        numbered = {round((call.due - begin) * RATE): call for call in calls}
        for number, call in numbered.items():
            self.assertAlmostEqual(call.due, begin + number / RATE, delta=1e-6)
        self.assertEqual(len(numbered), len(calls))
        return begin, numbered

    def due_within(self, begin, window):
        """The schedule's numbers that fall into a window of time."""
        return {n for n in range(RATE * SECONDS) if window[0] <= begin + n / RATE <= window[1]}

    def total(self, summary, metric, scenario="calls"):
        """(count, sum) of a histogram."""
        series = [s for s in summary["metrics"][metric]["series"] if s["labels"]["scenario"] == scenario]
        return sum(s["count"] for s in series), sum(s["sum"] for s in series)

    def scenario(self, summary):
        (found,) = [s for s in summary["scenarios"] if s["name"] == "calls"]
        return found

    def test_every_call_that_was_due_waited_and_says_so(self):
        summary, window, calls = self.run_it()
        begin, numbered = self.number_calls(calls)
        books = self.scenario(summary)
        self.assertEqual((books["scheduled"], books["started"], books["dropped"]), (RATE * SECONDS, RATE * SECONDS, 0))
        self.assertEqual(sorted(numbered), list(range(RATE * SECONDS)))
        # Response time: the wait of each call that was due, by its place in the schedule.
        due = self.due_within(begin, window)
        self.assertGreater(len(due), RATE)  # the two seconds lie within the run
        for number in due:
            self.assertGreaterEqual(numbered[number].done, window[1], number)
        # Service time: those in flight only, one for each VU.
        stuck = [call for call in calls if call.started < window[1] <= call.done]
        self.assertEqual(len(stuck), VUS)
        # The difference: all others of them waited for a VU until the server went on.
        waited = [numbered[n] for n in due if numbered[n].started >= window[1]]
        self.assertGreaterEqual(len(waited), len(due) - VUS)
        # The same in the metrics, where response = wait for a VU + start lag + service, call by call.
        count, response = self.total(summary, "grpc_call_duration_seconds")
        served, service = self.total(summary, "grpc_call_service_seconds")
        free, vu_wait = self.total(summary, "vu_wait_seconds")
        resumed, start_lag = self.total(summary, "start_lag_seconds")
        self.assertEqual({count, served, free, resumed}, {RATE * SECONDS})
        self.assertAlmostEqual(response, vu_wait + start_lag + service, delta=1e-5 * count)
        least = sum(window[1] - call.due for call in waited)
        self.assertGreaterEqual(vu_wait, least)
        self.assertLess(start_lag, vu_wait / 4)
        self.assertGreaterEqual(response, least + sum(window[1] - call.due for call in stuck))

    def test_without_a_backlog_they_are_dropped_and_counted(self):
        summary, window, calls = self.run_it("--backlog", "0")
        begin, numbered = self.number_calls(calls)
        books = self.scenario(summary)
        missing = set(range(RATE * SECONDS)) - set(numbered)
        self.assertEqual(books["scheduled"], RATE * SECONDS)
        self.assertEqual((books["started"], books["dropped"]), (len(calls), len(missing)))
        self.assertEqual(books["dropped_with_free_vu"], 0)
        stuck = [call for call in calls if call.started < window[1] <= call.done]
        self.assertEqual(len(stuck), VUS)
        # From the last VU's call on nothing could start: all that were due then are gone, and nobody waited.
        dry = self.due_within(begin, (max(call.started for call in stuck), window[1]))
        self.assertGreater(len(dry & missing), RATE)
        for number in dry - missing:  # lgen itself came to these late, when VUs were free again
            self.assertGreaterEqual(numbered[number].started, window[1], number)
        self.assertEqual(summary["metrics"]["iterations_dropped"]["total"]["value"], len(missing))

    def test_random_arrivals_are_lost_no_more_than_even_ones(self):
        summary, window, calls = self.run_it("--arrivals", "poisson", "--seed", "7")
        books = self.scenario(summary)
        self.assertEqual(books["scheduled"], books["started"])
        self.assertEqual(len(calls), books["started"])
        for call in calls:
            if window[0] <= call.due <= window[1]:
                self.assertGreaterEqual(call.done, window[1])


class HeldStreams(LgenCase):
    PLAN = PRELUDE + """
local api = lgen.proto { files = { "streaming.proto" } }
local ch = lgen.grpc.channel("main", lgen.target)
local Process = api:method "streaming.Streamer/ProcessTextStream"
local opt = lgen.options { { "end_by", "string", default = "vu" } }

lgen.scenario("held", {
  load = lgen.load.held_streams {
    stages = { { "300ms", 6 }, { "500ms", 6 }, { duration = "300ms", target = 0 } },
    open = function(vu) return ch:open(Process) end,
  },
  run = function(vu, stream)
    assert(stream:send { message = "x" })
    if opt.end_by == "run" then
      local reply = stream:close()
      lgen.check("one message each", reply and reply.message_count == 1)
    end
    lgen.sleep(0.02)
  end,
  vu_stop = function() lgen.event "stopped" end,
})
"""

    def held(self, *flags):
        self.write("plan.lua", self.PLAN)
        with Server() as server:
            ended = self.run_plan("plan.lua", "--target", server.target, "--validity", "warn", *flags)
        self.check(ended, 0)
        self.assertEqual(ended.summary["conservation"], "")
        (scenario,) = ended.summary["scenarios"]
        return ended.summary, scenario

    def total(self, summary, metric):
        return summary["metrics"].get(metric, {"total": {"value": 0}})["total"]["value"]

    def test_a_vu_holds_one_stream_over_its_iterations_and_closes_it(self):
        summary, scenario = self.held()
        self.assertEqual(self.total(summary, "grpc_streams_opened"), 6)
        self.assertGreater(scenario["started"], 6)
        (ended,) = summary["metrics"]["grpc_streams_ended"]["series"]
        self.assertEqual((ended["labels"]["code"], ended["value"]), ("OK", 6))
        self.assertEqual(self.total(summary, "grpc_streams_leaked"), 0)
        self.assertEqual(self.total(summary, "grpc_messages_confirmed"), scenario["started"])
        self.assertEqual(len(summary["events"]), 6)

    def test_a_stream_that_has_ended_is_opened_anew(self):
        summary, scenario = self.held("--end-by", "run")
        self.assertEqual(self.total(summary, "grpc_streams_opened"), scenario["started"])
        self.assertGreater(scenario["started"], 6)
        self.assertEqual(summary["checks"][0]["fails"], 0)

    def test_a_number_and_a_duration_replace_the_stages(self):
        summary, scenario = self.held("--vus", "3", "--duration", "200ms")
        self.assertEqual(scenario["load"], "streams 3 -> 3 for 200ms")
        self.assertEqual(self.total(summary, "grpc_streams_opened"), 3)

    def test_without_run_the_messages_are_read(self):
        self.write("plan.lua", PRELUDE + """
local api = lgen.proto { files = { "echo.proto" } }
local ch = lgen.grpc.channel("main", lgen.target)
local Bidi = api:method "lgen.echo.Echo/BidiStream"
lgen.scenario("held", { load = lgen.load.held_streams { stages = { { 0, 2 }, { "300ms", 2 } },
  open = function() local s = ch:open(Bidi) s:send {} s:send {} return s end } })
""")
        with Server() as server:
            ended = self.run_plan("plan.lua", "--target", server.target, "--validity", "warn")
        self.check(ended, 0)
        self.assertEqual(self.total(ended.summary, "grpc_messages_received"), 4)
        self.assertEqual(self.total(ended.summary, "grpc_streams_opened"), 2)


class Scaling(LgenCase):
    def test_an_external_load_does_what_it_is_told(self):
        self.write("plan.lua", PRELUDE + """
lgen.scenario("ext", { background = true, load = lgen.load.external { max_vus = 3, duration = "1h" },
  run = function(vu) for _ in lgen.every(0.01) do end end })
lgen.scenario("other", { background = true, load = lgen.load.constant_vus { duration = "1h" },
  run = function(vu) for _ in lgen.every(0.01) do end end })

local function become(n)
  lgen.scale("ext", n)
  while lgen.vus "ext" ~= n do lgen.sleep(0.01) end
end
local function refused(text, ...)
  local ok, message = pcall(lgen.scale, ...)
  lgen.check(text, not ok and tostring(message):find(text, 1, true), message)
end

lgen.scenario("control", { load = lgen.load.per_vu_iterations {}, run = function()
  become(3)
  become(1)
  become(0)
  become(2)
  refused("scenario 'ext' has at most 3 VUs (its max_vus), got 4", "ext", 4)
  refused("scenario 'other' has the load constant_vus, which sets its VUs itself", "other", 1)
  refused("no scenario 'exd' (did you mean 'ext'?)", "exd", 1)
  refused("lgen.scale: vus: -1 is out of range", "ext", -1)
end })
""")
        ended = self.run_plan("plan.lua", "--validity", "warn")
        self.check(ended, 0)
        self.assertEqual({check["fails"] for check in ended.summary["checks"]}, {0})
        self.assertEqual(len(ended.summary["checks"]), 4)
        started = {s["name"]: s["started"] for s in ended.summary["scenarios"]}
        self.assertEqual(started["ext"], 5)  # three VUs, and two again; each has one long iteration
