"""lgen-server's start, drain, connection age, handler limit, and what it says when it cannot run."""

import os
import signal
import socket
import tempfile
import unittest

import grpc

import certificates
from clients import (TextStream, echo, echo_method, health_check, health_watch, plain_channel, say_hello, serving)
from programs import Program, Server, binary, http_get
from waiting import accepts_connections, eventually, free_ports

ACTIVE = "grpc_server_active_streams"
MESSAGES = "app_messages_processed_count_total"


def is_ready(port):
    try:
        return http_get(f"http://127.0.0.1:{port}/readyz")[0] == 200
    except OSError:
        return False


def ignores(pid, number):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        ignored = next(int(line.split()[1], 16) for line in status if line.startswith("SigIgn:"))
    return bool(ignored >> (number - 1) & 1)


class Start(unittest.TestCase):
    def test_during_a_plain_start_nothing_listens(self):
        grpc_port, metrics_port = free_ports(2)
        flags = ("--startup-delay", "1h", "--grpc-port", grpc_port, "--metrics-port", metrics_port)
        with Server(*flags, wait=False) as server:
            # SIGPIPE is ignored right after SIGTERM is caught: the sign that the process has come so far.
            eventually(lambda: ignores(server.process.pid, signal.SIGPIPE), "the handling of signals")
            self.assertFalse(accepts_connections("127.0.0.1", grpc_port))
            self.assertFalse(accepts_connections("127.0.0.1", metrics_port))
            self.assertEqual(server.stop(), 0)
            self.assertEqual(server.out.all_until_end(), [])

    def test_a_plain_start_ends_in_readiness(self):
        with Server("--startup-delay", "50ms") as server, plain_channel(server.target) as channel:
            self.assertEqual(say_hello(channel)[0].name, "you")

    def test_hold_answers_calls_once_the_start_is_over(self):
        with Server("--startup-delay", "2s", "--listen-early", "hold", wait=False) as server:
            server.wait_until_listening()
            self.assertEqual(server.get("/readyz")[0], 503)
            self.assertEqual(server.get("/healthz")[0], 200)
            with plain_channel(server.target) as channel:
                self.assertEqual(health_check(channel), "NOT_SERVING")
                stream = TextStream(channel).send("a")
                self.assertEqual(server.metrics()[ACTIVE], 0)
                self.assertEqual(say_hello(channel)[0].name, "you")
                eventually(lambda: server.get("/readyz")[0] == 200, "readiness")
                self.assertEqual(stream.close(), 1)

    def test_refuse_answers_unavailable_until_the_start_is_over(self):
        with Server("--startup-delay", "1h", "--listen-early", "refuse", wait=False) as server:
            server.wait_until_listening()
            with plain_channel(server.target) as channel:
                with self.assertRaises(grpc.RpcError) as raised:
                    say_hello(channel)
                self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
                self.assertEqual(raised.exception.details(), "the server is starting")
                self.assertEqual(TextStream(channel).send("a").status(), grpc.StatusCode.UNAVAILABLE)
            self.assertEqual(server.stop(), 0)

    def test_the_first_request_waits_and_probes_of_readyz_are_no_requests(self):
        with Server("--first-request-delay", "1h") as server, plain_channel(server.target) as channel:
            self.assertEqual(server.get("/readyz")[0], 200)
            with self.assertRaises(grpc.RpcError) as raised:
                say_hello(channel, timeout=0.3)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
            self.assertEqual(say_hello(channel)[0].name, "you")


class Stop(unittest.TestCase):
    def test_sigterm_lets_open_streams_end_and_exits_0(self):
        with Server("--drain-delay", "300ms", "--shutdown-grace", "1h") as server:
            with plain_channel(server.target) as channel:
                stream = TextStream(channel).send("a")
                server.wait_for_metric(MESSAGES, 1)
                watch = health_watch(channel)
                self.assertEqual(serving(watch), "SERVING")
                server.send_signal(signal.SIGTERM)
                self.assertEqual(serving(watch), "NOT_SERVING")
                self.assertEqual(server.get("/readyz")[0], 503)
                with self.assertRaises(grpc.RpcError) as raised:  # the watch ends with the drain, the stream goes on
                    next(watch)
                self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
                self.assertEqual(stream.send("b").close(), 2)
                self.assertEqual(server.wait(), 0)
            server.out.all_until_end()
            self.assertIn("[Client: client, Channel: 0] Stream closed normally by client. Processed 2 messages.",
                          server.log())

    def test_streams_that_outlive_the_grace_are_cancelled(self):
        with Server("--shutdown-grace", "100ms") as server, plain_channel(server.target) as channel:
            stream = TextStream(channel).send("a")
            server.wait_for_metric(MESSAGES, 1)
            self.assertEqual(server.stop(), 0)
            self.assertNotEqual(stream.status(), grpc.StatusCode.OK)
            server.out.all_until_end()
            self.assertEqual(server.log()[-2:], [
                "[Client: client, Channel: 0] Stream cancelled by client after 1 messages.",
                "[Client: client, Channel: 0] Stream finished. Active streams: 0.0"])

    def test_an_interrupt_stops_as_well(self):
        with Server() as server:
            self.assertEqual(server.stop(signal.SIGINT), 0)

    def test_a_second_signal_ends_a_long_drain(self):
        with Server("--shutdown-grace", "1h") as server, plain_channel(server.target) as channel:
            stream = TextStream(channel).send("a")
            server.wait_for_metric(MESSAGES, 1)
            watch = health_watch(channel)
            serving(watch)
            server.send_signal(signal.SIGTERM)
            with self.assertRaises(grpc.RpcError):
                [None for _ in watch]  # its end says that the drain has begun
            server.send_signal(signal.SIGTERM)
            self.assertEqual(server.wait(), -signal.SIGTERM)
            self.assertEqual(stream.status(), grpc.StatusCode.UNAVAILABLE)

    def test_calls_held_by_the_start_are_answered_when_it_is_cut_short(self):
        with Server("--startup-delay", "1h", "--listen-early", "hold", wait=False) as server:
            server.wait_until_listening()
            with plain_channel(server.target) as channel:
                stream = TextStream(channel).send("a")
                started = 'grpc_server_call_started_total{grpc_method="streaming.Streamer/ProcessTextStream"}'
                server.wait_for_metric(started, 1)
                server.send_signal(signal.SIGTERM)
                self.assertEqual(stream.close(), 1)
            self.assertEqual(server.wait(), 0)


class ConnectionAge(unittest.TestCase):
    def test_an_aged_connection_ends_its_streams_after_the_grace(self):
        with Server("--max-connection-age", "500ms", "--max-connection-age-grace", "250ms") as server:
            server.out.wait_for(r"with max_connection_age=500ms, grace=250ms\.")
            with plain_channel(server.target) as channel:
                stream = TextStream(channel).send("a")
                self.assertEqual(stream.status(), grpc.StatusCode.UNAVAILABLE)
                server.out.wait_for(r"Stream cancelled by client after 1 messages\.")
                server.wait_for_metric(ACTIVE, 0)
                self.assertEqual(TextStream(channel).send("again").close(), 1)


class Handlers(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Server("--max-handlers", "2", "--shutdown-grace", "0"))
        self.channel = self.enterContext(plain_channel(self.server.target))
        self.handled = [TextStream(self.channel, "c", i).send("a") for i in range(2)]
        self.server.wait_for_metric(MESSAGES, 2)

    def started(self, count):
        self.server.wait_for_metric(
            'grpc_server_call_started_total{grpc_method="streaming.Streamer/ProcessTextStream"}', count)

    def test_streams_beyond_the_limit_wait_unseen_and_follow_in_order(self):
        waiting = TextStream(self.channel, "waits", 9).send("a", "b")
        self.started(3)
        last = TextStream(self.channel, "last", 10).send("a")
        self.started(4)
        self.assertEqual(self.server.metrics()[ACTIVE], 2)
        self.assertEqual(self.server.metrics()[MESSAGES], 2)
        self.handled[0].close()
        self.server.out.wait_for(r"\[Client: waits, Channel: 9\] Stream opened\. Active streams: 2\.0")
        self.assertEqual(waiting.close(), 2)
        self.assertEqual(last.close(), 1)
        self.handled[1].close()
        self.server.wait_for_metric(ACTIVE, 0)

    def test_a_waiting_stream_that_gives_up_takes_no_place(self):
        waiting = TextStream(self.channel, "gives up").send("a")
        self.started(3)
        waiting.cancel()
        self.server.wait_for_metric('grpc_server_call_duration_seconds_count{grpc_method='
                                    '"streaming.Streamer/ProcessTextStream",grpc_status="CANCELLED"}', 1)
        next_one = TextStream(self.channel, "next").send("a")
        self.handled[0].close()
        self.assertEqual(next_one.close(), 1)
        self.assertNotIn("gives up", "\n".join(self.server.log()))

    def test_calls_and_probes_need_no_place(self):
        self.assertEqual(say_hello(self.channel)[0].name, "you")
        self.assertEqual(health_check(self.channel), "SERVING")


class SharedHandlers(unittest.TestCase):
    def test_probes_starve_when_they_share_the_handlers(self):
        flags = ("--max-handlers", "1", "--health-shares-handlers", "--shutdown-grace", "0")
        with Server(*flags) as server, plain_channel(server.target) as channel:
            self.assertEqual(health_check(channel), "SERVING")
            stream = TextStream(channel).send("a")
            server.wait_for_metric(MESSAGES, 1)
            with self.assertRaises(grpc.RpcError) as raised:
                health_check(channel, timeout=0.2)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
            stream.close()
            self.assertEqual(health_check(channel), "SERVING")


class Pace(unittest.TestCase):
    def test_a_message_delay_slows_every_message_but_the_first(self):
        with Server("--message-delay", "1h", "--shutdown-grace", "0") as server:
            with plain_channel(server.target) as channel:
                stream = TextStream(channel).send("a", "b", "c")
                server.wait_for_metric(MESSAGES, 2)  # the pause that follows the second holds the third back
                stream.cancel()
                server.out.wait_for(r"Stream cancelled by client after 2 messages\.")

    def test_a_short_delay_loses_nothing(self):
        with Server("--message-delay", "1ms") as server, plain_channel(server.target) as channel:
            streams = [TextStream(channel, "c", i).send(*"abcdefghij") for i in range(50)]
            self.assertEqual([stream.close() for stream in streams], [10] * 50)
            self.assertEqual(server.metrics()[MESSAGES], 500)


class StandardStreams(unittest.TestCase):
    """Closed or full ones: the server goes on, and no socket takes the number of a closed one."""

    def test_closed_and_full(self):
        for redirection in ("2>&-", "2>/dev/full", "<&- 2>&-", ">&- 2>&-", ">/dev/full 2>/dev/full"):
            with self.subTest(redirection):
                ports = free_ports(2)
                command = (f'exec "{binary("lgen-server")}" --bind 127.0.0.1 --grpc-port {ports[0]} '
                           f"--metrics-port {ports[1]} --http-port 0 {redirection}")
                with Program(["bash", "-c", command]) as server:
                    eventually(lambda: is_ready(ports[1]), "readiness")
                    for number in range(3):
                        self.assertFalse(os.readlink(f"/proc/{server.process.pid}/fd/{number}").startswith("socket:"))
                    with plain_channel(f"127.0.0.1:{ports[0]}") as channel:
                        self.assertEqual(echo_method(channel, "Unary")(echo.EchoRequest(payload=b"x")).payload, b"x")
                    self.assertEqual(server.stop(), 0)

    def test_a_complaint_that_nobody_can_read(self):
        for redirection in ("2>&-", "2>/dev/full"):
            for words, code in [("--no-such-flag", 104), ("--bind 192.0.2.1", 1)]:
                with self.subTest(f"{words} {redirection}"), \
                        Program(["bash", "-c", f'exec "{binary("lgen-server")}" {words} {redirection}']) as server:
                    self.assertEqual(server.wait(), code)


class Mistakes(unittest.TestCase):
    def fails(self, code, pattern, *flags):
        with Program([binary("lgen-server"), *map(str, flags)]) as program:
            self.assertEqual(program.wait(), code)
            self.assertRegex("\n".join(program.err.all_until_end()), pattern)

    def test_a_grpc_port_in_use_is_named_with_the_way_out(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.fails(1, rf"lgen-server: cannot listen for gRPC on 127\.0\.0\.1:{port}: Address already in use; "
                          r"choose another port with --grpc-port or another address with --bind",
                       "--bind", "127.0.0.1", "--grpc-port", port, "--metrics-port", 0, "--http-port", 0)

    def test_a_second_server_does_not_share_the_port_of_the_first(self):
        with Server() as first:
            self.fails(1, f":{first.grpc_port}: Address already in use", "--bind", "127.0.0.1", "--grpc-port",
                       first.grpc_port, "--metrics-port", 0, "--http-port", 0)

    def test_a_metrics_port_in_use_is_named_with_the_way_out(self):
        with Server() as first:
            self.fails(1, rf"cannot listen for metrics on 127\.0\.0\.1:{first.metrics_port}: Address already in use; "
                          r"choose another port with --metrics-port",
                       "--bind", "127.0.0.1", "--grpc-port", 0, "--metrics-port", first.metrics_port)

    def test_an_http_port_in_use_is_named_with_the_way_out(self):
        with Server() as first:
            self.fails(1, rf"cannot listen for HTTP on 127\.0\.0\.1:{first.http_port}: Address already in use; "
                          r"choose another port with --http-port",
                       "--bind", "127.0.0.1", "--grpc-port", 0, "--metrics-port", 0, "--http-port", first.http_port)

    def test_an_address_of_another_machine_is_refused(self):
        self.fails(1, r"cannot listen for metrics on 192\.0\.2\.1:\d+: Cannot assign requested address",
                   "--bind", "192.0.2.1", "--grpc-port", 0, "--metrics-port", 0)

    def test_flags_that_cannot_be_read_are_named(self):
        self.fails(104, "--message-delay: \"10\" is not a duration; write a number and a unit", "--message-delay", "10")
        self.fails(104, "--listen-early.*maybe", "--listen-early", "maybe")
        self.fails(104, "--grpc-port", "--grpc-port", "70000")
        self.fails(104, "--netperf-port", "--netperf-port", "12865")
        self.fails(104, "--tls-cert requires --tls-key", "--tls-cert", "x")

    def test_certificates_that_do_not_fit_are_named(self):
        with tempfile.TemporaryDirectory() as directory:
            one = certificates.self_signed(directory, name="one")
            two = certificates.self_signed(directory, name="two")
            base = ("--bind", "127.0.0.1", "--grpc-port", 0, "--metrics-port", 0, "--http-port", 0)
            self.fails(1, "cannot read --tls-cert /no/such.crt: No such file or directory", *base,
                       "--tls-cert", "/no/such.crt", "--tls-key", one.key)
            self.fails(1, "two.key is not the PEM private key of --tls-cert .*one.crt", *base,
                       "--tls-cert", one.cert, "--tls-key", two.key)
            self.fails(1, "--tls-cert .*one.key holds no usable PEM certificate", *base,
                       "--tls-cert", one.key, "--tls-key", one.key)


if __name__ == "__main__":
    unittest.main()
