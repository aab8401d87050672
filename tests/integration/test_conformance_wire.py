"""What both transports put on the wire: headers, no more bytes than a window takes, no more streams than a connection
may have."""

import threading
import unittest

from hyperframe import frame as frames

import peers
from conformance_case import ConformanceCase
from h2_script import ScriptedServer
from proxies import Nginx
from transports import TRANSPORTS, Differences, over_both, plan
from waiting import PATIENCE_SECONDS


class Requests(ConformanceCase):
    """What both say to a server, in frames."""

    # The order is the one that gRPC's document asks for; metadata comes last.
    EXPECTED = [":method", ":scheme", ":path", ":authority", "te", "grpc-timeout", "content-type", "user-agent",
                "grpc-accept-encoding", "x-text", "x-some-bin"]

    def heard(self, transport, plan_file):
        """The fields of one call."""
        fields = []

        def listen(call):
            fields.extend(call.fields_in_order)
            call.wait_for_request()
            call.send(*call.answer(b"pong"))

        with ScriptedServer({"listen": listen}) as server:
            (run,) = over_both(plan_file, "--target", server.target, "--quiet", transports=[transport]).values()
            self.assertEqual(run.code, 0, run.stdout + run.stderr)
        return fields

    def test_headers(self):
        for transport in TRANSPORTS:
            with self.subTest(transport):
                fields = self.heard(transport, plan("headers.lua"))
                names, values = [name for name, _ in fields], dict(fields)
                self.assertEqual(sorted(names), sorted(self.EXPECTED))
                self.assertEqual(set(names[:4]), set(self.EXPECTED[:4]), "pseudo-headers come first")
                self.assertEqual((values[":method"], values[":scheme"], values["te"], values["content-type"]),
                                 ("POST", "http", "trailers", "application/grpc"))
                self.assertRegex(values["grpc-timeout"], r"^\d{1,8}[HMSmun]$")
                (agent,) = Differences().of("user agent", transport)
                self.assertTrue(values["user-agent"].startswith(f"probe/7 {agent}"), values["user-agent"])
                self.assertEqual(set(values["grpc-accept-encoding"].replace(" ", "").split(",")),
                                 {"identity", "deflate", "gzip"})
                self.assertEqual((values["x-text"], values["x-some-bin"]), ("a word", "AP8"))


def counts_waits(transport):
    return bool(Differences().of("waits and stalls", transport))


class Windows(ConformanceCase):
    """A server that takes few bytes at a time."""

    def check_stalls(self, transport, run, least, most=None):
        stalls = run.summary.totals("grpc_flow_control_stalls", "method").get("scripted/take", 0)
        if not counts_waits(transport):
            least = most = 0
        self.assertGreaterEqual(stalls, least)
        self.assertLessEqual(stalls, stalls if most is None else most)

    def test_a_slow_reader_is_counted(self):
        """One that makes room only when there is none left: that is once less than it makes room at all."""
        window, size, requests = 65535, 200000, 4

        def take(call):
            given, left = window, size + 5
            while left > 0:
                count = len(call.wait_for(frames.DataFrame).data)
                given, left = given - count, left - count
                if given == 0:
                    call.send(frames.WindowUpdateFrame(call.stream, window_increment=window))
                    given = window
            call.send(*call.answer(b"pong"))

        first = [frames.SettingsFrame(settings={4: window}), frames.WindowUpdateFrame(0, window_increment=1 << 30)]
        for transport in TRANSPORTS:
            with self.subTest(transport), ScriptedServer({"take": take}, first_frames=first) as server:
                (run,) = over_both(plan("windows.lua"), "--target", server.target, "--size", size, "--quiet",
                                   transports=[transport]).values()
                self.assertEqual((run.code, server.mistakes), (0, []), run.stdout + run.stderr)
                expected = requests * ((size + 5) // window)
                self.check_stalls(transport, run, expected, expected)

    def test_nobody_waits_where_there_is_room(self):
        def answer(call):
            call.wait_for_request()
            call.send(*call.answer(b"pong"))

        for transport in TRANSPORTS:
            with self.subTest(transport), ScriptedServer({"take": answer}, {3: 100}) as server:
                (run,) = over_both(plan("windows.lua"), "--target", server.target, "--size", 1000, "--quiet",
                                   transports=[transport]).values()
                self.assertEqual(run.code, 0, run.stdout + run.stderr)
                self.assertEqual([name for name in ["grpc_queue_seconds", "grpc_flow_control_stalls"]
                                  if name in run.summary.json["metrics"]], [])

    def test_a_request_waits_for_every_window(self):
        for window in [1, 1000, 65535]:
            for transport in TRANSPORTS:
                took = []

                def take(call, window=window, took=took):
                    data, most = b"", 0
                    while (frame := call.wait_for(frames.DataFrame)) is not None:
                        data, most = data + frame.data, max(most, len(frame.data))
                        if "END_STREAM" in frame.flags:
                            break
                        call.send(*[frames.WindowUpdateFrame(stream, window_increment=len(frame.data))
                                    for stream in [0, call.stream] if frame.data])
                    took.append((len(data), most <= window))
                    call.send(*call.answer(b"pong"))

                with self.subTest(f"{window}, {transport}"), ScriptedServer({"take": take}, {4: window}) as server:
                    size = 100 if window == 1 else 200000
                    (run,) = over_both(plan("windows.lua"), "--target", server.target, "--size", size, "--quiet",
                                       transports=[transport]).values()
                    self.assertEqual(run.code, 0, run.stdout + run.stderr)
                    self.assertEqual((took, server.mistakes), ([(size + 5, True)] * 4, []))
                    self.check_stalls(transport, run, 4)


class Gate:
    """Lets nobody through until as many calls stand before it as the connection may have, and notes if there are more.
    So whoever leaves a place unused does not get through at all."""

    def __init__(self, places):
        self.places, self.inside, self.crowded = places, 0, False
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(places)

    def __call__(self, call):
        with self._lock:
            self.inside += 1
            self.crowded = self.crowded or self.inside > self.places
        call.wait_for_request()
        self._barrier.wait(PATIENCE_SECONDS)
        with self._lock:
            self.inside -= 1
        call.send(*call.answer(b"pong"))


class Queueing(ConformanceCase):
    """A server that lets few streams in at a time."""

    def test_every_place_is_used_and_no_more(self):
        for places in [1, 2, 100]:
            for transport in TRANSPORTS:
                calls = max(10, places)
                gate = Gate(places)
                with self.subTest(f"{places}, {transport}"), ScriptedServer({"gate": gate}, {3: places}) as server:
                    (run,) = over_both(plan("queueing.lua"), "--target", server.target, "--calls", calls, "--quiet",
                                       transports=[transport]).values()
                    self.assertEqual(run.code, 0, run.stdout)
                    self.assertEqual(run.summary.json["conservation"], "")
                    self.assertEqual(run.summary.totals("grpc_calls", "code"), {"OK": calls})
                    self.assertEqual(run.summary.totals("grpc_streams_ended", "code"), {"OK": calls})
                    self.assertEqual((gate.crowded, server.mistakes, server.connections), (False, [], 1))
                    self.check_waits(transport, run, 2 * calls - places)

    def check_waits(self, transport, run, waiting):
        """Who was not among the first has waited, and no longer than it all took."""
        metrics = run.summary.json["metrics"]
        if not counts_waits(transport):
            return self.assertNotIn("grpc_queue_seconds", metrics)
        waits = metrics["grpc_queue_seconds"]["total"]
        longest = max(metrics[name]["total"]["max"] for name in ["grpc_call_duration_seconds",
                                                                 "grpc_stream_duration_seconds"])
        self.assertEqual(waits["count"], waiting)
        self.assertGreater(waits["min"], 0)
        self.assertLessEqual(waits["max"], longest)

    def test_a_proxy_with_few_places(self):
        site = "http2_max_concurrent_streams 2; location / {{ grpc_pass grpc://{}; }}"
        with peers.LgenEcho() as server, Nginx(site.format(server.target)) as nginx:
            runs = over_both(plan("calls.lua"), "--target", nginx.target, "--crowd", 100, "--users", 1, "--quiet")
            for transport, run in runs.items():
                self.assertEqual(run.code, 0, run.stdout)
                self.assertEqual("grpc_queue_seconds" in run.summary.json["metrics"], counts_waits(transport))
            self.check_books(runs)


if __name__ == "__main__":
    unittest.main()
