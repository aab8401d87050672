"""From when latencies run: response time from the intended start, service time from the real one; and cold starts."""

import unittest

from lgen_runs import CALLS, LgenCase
from programs import Server

ECHO = CALLS + """
local Bidi = api:method "lgen.echo.Echo/BidiStream"
lgen.scenario("s", {
  load = LOAD,
  run = function(vu) BODY end,
})
"""

# Ten times as many arrivals as one VU can serve, and all of them wait for it.
CROWDED = 'lgen.load.constant_rate { rate = 100, duration = "500ms", max_vus = 1, backlog = "1m" }'
ONE_CALL = "ch:call(Unary, { delay_seconds = 0.05 })"


def total(summary, metric):
    return summary["metrics"][metric]["total"]


class LatencyCase(LgenCase):
    def run_echo(self, body, *flags, load=CROWDED, server=()):
        self.write("plan.lua", 'local lgen = require "lgen"\n' + ECHO.replace("LOAD", load).replace("BODY", body))
        with Server(*server) as target:
            ended = self.run_plan("plan.lua", "--target", target.target, "--validity", "warn", *flags)
        self.assertEqual(ended.code, 0, ended)
        return ended

    def assert_wait_is_between(self, summary, response, service):
        """What response time has more than service time is the wait for a VU and the start lag, to a percent."""
        response, service = total(summary, response), total(summary, service)
        waited = total(summary, "vu_wait_seconds")["sum"] + total(summary, "start_lag_seconds")["sum"]
        self.assertEqual(response["count"], 50)
        self.assertEqual(service["count"], 50)
        self.assertGreater(waited, 10)  # the n-th of 50 waits for n - 1 calls of 50 ms: 61 s less 12 s
        self.assertAlmostEqual((response["sum"] - service["sum"]) / waited, 1, delta=0.01)


class ResponseTimeTest(LatencyCase):
    def test_calls_run_from_when_their_iteration_was_due(self):
        summary = self.run_echo(ONE_CALL).summary
        self.assert_wait_is_between(summary, "grpc_call_duration_seconds", "grpc_call_service_seconds")

    def test_the_wait_counts_once_an_iteration_and_pauses_of_the_plan_not_at_all(self):
        summary = self.run_echo("lgen.sleep(0.01) " + ONE_CALL + ' lgen.sleep(0.01) lgen.tag("again", true) ch:call(Unary, {})',
                                load=CROWDED.replace("500ms", "250ms")).summary
        waited = total(summary, "vu_wait_seconds")["sum"] + total(summary, "start_lag_seconds")["sum"]
        more = total(summary, "grpc_call_duration_seconds")["sum"] - total(summary, "grpc_call_service_seconds")["sum"]
        self.assertEqual(total(summary, "grpc_calls")["value"], 50)
        self.assertAlmostEqual(more / waited, 1, delta=0.01)

    def test_streams_run_from_when_their_iteration_was_due(self):
        summary = self.run_echo("local s = ch:open(Bidi) s:send({ delay_seconds = 0.05 }) s:close()").summary
        self.assert_wait_is_between(summary, "grpc_stream_open_seconds", "grpc_stream_open_service_seconds")

    def test_a_child_task_takes_the_lateness_of_its_iteration(self):
        summary = self.run_echo(f"lgen.spawn(function() {ONE_CALL} end):join()").summary
        self.assert_wait_is_between(summary, "grpc_call_duration_seconds", "grpc_call_service_seconds")

    def test_messages_run_from_the_tick_they_were_due_at(self):
        body = """
          local s = ch:open(Bidi)
          for tick in lgen.every(0.05, { count = 10 }) do
            s:send({ delay_seconds = 0.001 })
            if tick == 3 then lgen.sleep(0.075) end  -- tick 4 is due in it
            s:recv()
          end
          s:close()"""
        summary = self.run_echo(body, load="lgen.load.per_vu_iterations { vus = 1, iterations = 1 }").summary
        lag, rtt = total(summary, "grpc_message_lag_seconds"), total(summary, "grpc_message_rtt_seconds")
        service = total(summary, "grpc_message_service_seconds")
        self.assertEqual(lag["count"], total(summary, "grpc_messages_sent")["value"])
        self.assertEqual(rtt["count"], service["count"])
        # Half a period: tick 4 is as late as that, unless tick 3 itself was.
        self.assertGreaterEqual(lag["max"], 0.024)
        self.assertAlmostEqual(rtt["sum"], service["sum"] + lag["sum"], delta=1e-4)

    def test_closed_loads_intend_no_time(self):
        summary = self.run_echo(ONE_CALL, load="lgen.load.per_vu_iterations { vus = 2, iterations = 5 }").summary
        response, service = total(summary, "grpc_call_duration_seconds"), total(summary, "grpc_call_service_seconds")
        self.assertEqual(response["sum"], service["sum"])


class ColdStartTest(LatencyCase):
    LOAD = "lgen.load.per_vu_iterations { vus = 1, iterations = 20 }"

    def test_a_slow_first_request_is_listed_with_its_backend(self):
        ended = self.run_echo("ch:call(SayHello, {})", load=self.LOAD,
                              server=("--pod", "pod-7", "--first-request-delay", "300ms"))
        slowest = ended.summary["first_calls"][0]
        self.assertGreaterEqual(slowest["duration"], 0.3)
        self.assertEqual((slowest["kind"], slowest["backend"]), ("first_on_backend", "pod-7"))
        self.assertEqual((slowest["connection"], slowest["why"]), ("main#1", "first on the backend"))
        self.assertEqual(total(ended.summary, "grpc_first_call_seconds")["count"], 1)
        self.assertIn("COLD STARTS", ended.out)
        self.assertIn("pod-7, main#1, hello.Hello/SayHello at", ended.out)

    def test_a_call_that_had_to_wait_for_its_connection_says_so(self):
        ended = self.run_echo("ch:call(SayHello, {}, { wait_for_ready = true })", "--wait-ready", "0", load=self.LOAD)
        slowest = ended.summary["first_calls"][0]
        self.assertRegex(slowest["why"], "^dial [0-9.]+[mu]?s, first on the backend$")
        over_h2 = self.run_echo("ch:call(SayHello, {}, { wait_for_ready = true })", "--wait-ready", "0", "--transport", "h2",
                                load=self.LOAD)
        self.assertRegex(over_h2.summary["first_calls"][0]["why"], r"^dial \S+ \(.*\bdial \S+, SETTINGS \S+\), first on")
        self.assertGreater(slowest["connecting"], 0)
        self.assertLessEqual(slowest["connecting"], slowest["duration"])

    def test_every_new_connection_has_a_first_call(self):
        ended = self.run_echo("ch:call(SayHello, {}) if vu.iter % 5 == 0 then ch:reconnect() ch:wait_ready(5) end",
                              load=self.LOAD)
        kinds = [call["kind"] for call in ended.summary["first_calls"]]
        self.assertEqual(sorted(kinds), ["first_on_backend"] + 3 * ["first_on_connection"])


if __name__ == "__main__":
    unittest.main()
