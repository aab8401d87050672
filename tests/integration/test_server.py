"""lgen-server's streams: counts, log lines, the gauge, who answers, and TLS with the guide's certificate."""

import collections
import os
import tempfile
import unittest

import grpc

import certificates
from clients import TextStream, plain_channel, say_hello, tls_channel
from programs import LOG_PREFIX, Server, python_program

ACTIVE = "grpc_server_active_streams"
MESSAGES = "app_messages_processed_count_total"
STREAM = 'grpc_method="streaming.Streamer/ProcessTextStream"'


class Streams(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Server("--pod", "pod-a"))
        self.channel = self.enterContext(plain_channel(self.server.target))

    def log_after_start(self):
        return self.server.log()[3:]

    def test_a_closed_stream_is_logged_in_the_original_words(self):
        count = TextStream(self.channel, "load-1", 7).send("a", "b", "c").close()
        self.server.out.wait_for("Stream finished")
        self.assertEqual(count, 3)
        self.assertEqual(self.server.log(), [
            f"Prometheus metrics server started on port {self.server.metrics_port}.",
            f"HTTP server started on port {self.server.http_port}.",
            f"gRPC server started on port {self.server.grpc_port} with max_connection_age=600000ms, grace=60000ms.",
            "[Client: load-1, Channel: 7] Stream opened. Active streams: 1.0",
            "[Client: load-1, Channel: 7] Stream closed normally by client. Processed 3 messages.",
            "[Client: load-1, Channel: 7] Stream finished. Active streams: 0.0"])

    def test_every_log_line_has_the_original_prefix(self):
        TextStream(self.channel).send("a").close()
        self.server.out.wait_for("Stream finished")
        for line in self.server.out.all():
            self.assertRegex(line, LOG_PREFIX)

    def test_a_cancelled_stream_logs_the_messages_it_brought(self):
        stream = TextStream(self.channel, "c", 2).send("a", "b")
        self.server.wait_for_metric(MESSAGES, 2)
        stream.cancel()
        self.server.out.wait_for("Stream finished")
        self.assertEqual(self.log_after_start(), [
            "[Client: c, Channel: 2] Stream opened. Active streams: 1.0",
            "[Client: c, Channel: 2] Stream cancelled by client after 2 messages.",
            "[Client: c, Channel: 2] Stream finished. Active streams: 0.0"])

    def test_a_stream_past_its_deadline_counts_as_cancelled(self):
        stream = TextStream(self.channel, "c", 2, timeout=0.3).send("a")
        self.assertEqual(stream.status(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.server.out.wait_for(r"Stream cancelled by client after \d messages\.")
        self.server.wait_for_metric(ACTIVE, 0)

    def test_a_stream_without_messages_says_so(self):
        self.assertEqual(TextStream(self.channel).close(), 0)
        self.server.out.wait_for("received no messages")
        self.assertEqual(self.log_after_start(), ["Stream opened but received no messages."])

    def test_a_stream_without_a_client_id_prints_an_empty_one(self):
        TextStream(self.channel, "", 0).send("a").close()
        self.server.out.wait_for("Stream finished")
        self.assertIn("[Client: , Channel: 0] Stream opened. Active streams: 1.0", self.log_after_start())

    def test_a_client_id_cannot_forge_a_log_line(self):
        TextStream(self.channel, "x\n2025-01-01 00:00:00,000 - root - INFO - forged").send("a").close()
        self.server.out.wait_for("Stream finished")
        self.assertEqual(len(self.log_after_start()), 3)

    def test_the_gauge_follows_streams_up_and_down(self):
        streams = [TextStream(self.channel, "c", i).send("a") for i in range(5)]
        self.server.wait_for_metric(ACTIVE, 5)
        self.server.wait_for_metric(MESSAGES, 5)
        streams[0].cancel()
        self.server.wait_for_metric(ACTIVE, 4)
        for stream in streams[1:]:
            stream.close()
        self.server.wait_for_metric(ACTIVE, 0)
        self.server.out.wait_for("Stream finished", 5)
        active = [float(line.rsplit(" ", 1)[1]) for line in self.log_after_start() if "Active streams" in line]
        self.assertEqual((max(active), min(active)), (5, 0))

    def test_a_stream_is_on_the_gauge_before_its_first_message(self):
        stream = TextStream(self.channel)
        self.server.wait_for_metric(ACTIVE, 1)
        self.assertEqual(self.log_after_start(), [])
        stream.close()

    def test_a_client_that_dies_frees_its_streams(self):
        other = plain_channel(self.server.target)
        stream = TextStream(other, "gone", 1).send("a")
        self.server.wait_for_metric(MESSAGES, 1)
        other.close()
        self.assertNotEqual(stream.status(), grpc.StatusCode.OK)
        self.server.out.wait_for("Stream cancelled by client after 1 messages")
        self.server.wait_for_metric(ACTIVE, 0)

    def test_messages_in_replies_logs_and_metrics_are_the_same(self):
        streams = [TextStream(self.channel, "c", i).send(*map(str, range(i * 10 + 1))) for i in range(20)]
        sent = sum(i * 10 + 1 for i in range(20))
        self.server.wait_for_metric(MESSAGES, sent)
        for stream in streams[::2]:
            stream.cancel()
        replied = sum(stream.close() for stream in streams[1::2])
        self.server.out.wait_for("Stream finished", count=20)
        logged = collections.Counter()
        for line in self.log_after_start():
            if "Processed" in line:
                logged["closed"] += int(line.split()[-2])
            if "cancelled" in line:
                logged["cancelled"] += int(line.split()[-2])
        self.assertEqual(logged["closed"], replied)
        self.assertEqual(logged["closed"] + logged["cancelled"], sent)
        self.assertEqual(self.server.metrics()[MESSAGES], sent)

    def test_standard_metrics_count_calls_by_method_and_status(self):
        TextStream(self.channel).send("four").close()
        stream = TextStream(self.channel).send("a")
        self.server.wait_for_metric(MESSAGES, 2)
        stream.cancel()
        cancelled = f'grpc_server_call_duration_seconds_count{{{STREAM},grpc_status="CANCELLED"}}'
        self.server.wait_for_metric(cancelled, 1)
        page = self.server.metrics()
        one_message = len("four") + 2 + len("client") + 2  # two bytes of tag and length each; channel 0 is not sent
        self.assertEqual(page[f"grpc_server_call_started_total{{{STREAM}}}"], 2)
        self.assertEqual(page[f'grpc_server_call_duration_seconds_count{{{STREAM},grpc_status="OK"}}'], 1)
        size = "grpc_server_call_{}_total_compressed_message_size_bytes_sum{{{},grpc_status=\"OK\"}}"
        self.assertEqual(page[size.format("rcvd", STREAM)], one_message)
        self.assertEqual(page[size.format("sent", STREAM)], 2)
        self.assertEqual(page['target_info{service_name="lgen-server"}'], 1)
        for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"):
            self.assertGreater(page[name], 0)

    def test_an_unknown_method_is_unimplemented_and_counted_as_other(self):
        method = self.channel.unary_unary("/no.Such/Method")
        with self.assertRaises(grpc.RpcError) as raised:
            method(b"", timeout=30)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assertIn("/no.Such/Method", raised.exception.details())
        self.server.wait_for_metric('grpc_server_call_started_total{grpc_method="other"}', 1)


class Identity(unittest.TestCase):
    def test_flags_name_the_pod_the_zone_and_the_version(self):
        with Server("--pod", "pod-7", "--zone", "z1", "--app-version", "v3") as server, \
                plain_channel(server.target) as channel:
            stream = TextStream(channel)
            headers = stream.headers()  # here already: before the first message
            self.assertEqual((headers["x-backend"], headers["x-zone"], headers["x-version"]), ("pod-7", "z1", "v3"))
            stream.close()
            answer, call = say_hello(channel, "Ann")
            self.assertEqual((answer.name, answer.version, answer.hostname), ("Ann", "v3-hellogrpc", "pod-7"))
            self.assertEqual(dict(call.initial_metadata())["x-backend"], "pod-7")

    def test_the_environment_names_them_too_and_flags_win(self):
        environment = {"POD_NAME": "env-pod", "ZONE": "env-zone", "APP_VERSION": "v9"}
        with Server("--zone", "flag-zone", env=environment) as server, plain_channel(server.target) as channel:
            headers = dict(say_hello(channel)[1].initial_metadata())
        self.assertEqual((headers["x-backend"], headers["x-zone"], headers["x-version"]),
                         ("env-pod", "flag-zone", "v9"))

    def test_without_a_name_the_pod_is_the_host_and_there_is_no_zone(self):
        with Server() as server, plain_channel(server.target) as channel:
            headers = dict(say_hello(channel)[1].initial_metadata())
        self.assertEqual(headers["x-backend"], os.uname().nodename)
        self.assertNotIn("x-zone", headers)


class Tls(unittest.TestCase):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.guide = certificates.self_signed(self.directory)

    def server(self, *flags):
        return self.enterContext(Server("--tls-cert", self.guide.cert, "--tls-key", self.guide.key, *flags))

    def test_the_original_clients_channel_works_with_the_guides_certificate(self):
        server = self.server()
        with tls_channel(server.target, self.guide.read()) as channel:
            self.assertEqual(TextStream(channel, "tls", 1).send("a", "b").close(), 2)
        server.out.wait_for(r"\[Client: tls, Channel: 1\] Stream closed normally by client\. Processed 2 messages\.")

    def test_a_plaintext_client_gets_nowhere(self):
        server = self.server()
        with plain_channel(server.target) as channel, self.assertRaises(grpc.RpcError) as raised:
            say_hello(channel)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_a_client_ca_lets_in_only_whom_it_has_signed(self):
        authority = certificates.self_signed(self.directory, "authority", "ca")
        client = certificates.signed_by(authority, self.directory, "client", "client")
        server = self.server("--tls-client-ca", authority.cert)
        with tls_channel(server.target, self.guide.read(), client) as channel:
            self.assertEqual(say_hello(channel)[0].version, "v1-hellogrpc")
        with tls_channel(server.target, self.guide.read()) as channel, self.assertRaises(grpc.RpcError):
            say_hello(channel)


class StandIn(unittest.TestCase):
    """The Python stand-in for the original server keeps the same contract."""

    def test_it_counts_and_logs_as_lgen_server_does(self):
        with python_program("original_server") as server:
            port = server.out.wait_for(r"gRPC server started on port (\d+) ")[1]
            with plain_channel("127.0.0.1:" + port) as channel:
                self.assertEqual(TextStream(channel, "c", 4).send("a", "b").close(), 2)
                stream = TextStream(channel, "c", 5).send("a")
                server.out.wait_for(r"Channel: 5\] Stream opened")
                stream.cancel()
                server.out.wait_for("Stream finished", count=2)
            self.assertEqual(server.stop(), 0)
            lines = [LOG_PREFIX.sub("", line) for line in server.out.all_until_end()][2:]
        # grpcio's reader hears of a cancel as the end of the messages when that event is handled first.
        cancelled = lines.pop(4)
        self.assertIn(cancelled, ["[Client: c, Channel: 5] Stream cancelled by client after 1 messages.",
                                  "[Client: c, Channel: 5] Stream closed normally by client. Processed 1 messages."])
        self.assertEqual(lines, [
            "[Client: c, Channel: 4] Stream opened. Active streams: 1.0",
            "[Client: c, Channel: 4] Stream closed normally by client. Processed 2 messages.",
            "[Client: c, Channel: 4] Stream finished. Active streams: 0.0",
            "[Client: c, Channel: 5] Stream opened. Active streams: 1.0",
            "[Client: c, Channel: 5] Stream finished. Active streams: 0.0"])


if __name__ == "__main__":
    unittest.main()
