"""lgen-server's echo, health and reflection, and its HTTP pages."""

import json
import unittest

import grpc
from google.protobuf import descriptor_pb2

import protos
from clients import (echo, echo_method, health_check, health_watch, plain_channel, reflect, serving)
from programs import Server

ACTIVE = "grpc_server_active_streams"
MESSAGES = "app_messages_processed_count_total"


class OneServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server("--pod", "pod-e"))

    def setUp(self):
        self.channel = self.enterContext(plain_channel(self.server.target))

    def assert_ends(self, code, call):
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        self.assertEqual(raised.exception.code(), code)
        return raised.exception


class Echo(OneServer):
    def unary(self, metadata=None, **fields):
        return echo_method(self.channel, "Unary").with_call(echo.EchoRequest(**fields), timeout=30, metadata=metadata)

    def test_unary_returns_the_payload_and_what_the_server_saw(self):
        reply, call = self.unary(payload=b"\x00\xff")
        self.assertEqual(reply.payload, b"\x00\xff")
        self.assertEqual((reply.sequence, reply.messages_seen, reply.payload_bytes_seen), (1, 1, 2))
        self.assertEqual((reply.pod, reply.authority), ("pod-e", self.server.target))
        self.assertIn("127.0.0.1", reply.peer)
        headers = dict(call.initial_metadata())
        self.assertEqual((headers["x-backend"], headers["grpc-previous-rpc-attempts"]), ("pod-e", "0"))

    def test_attempts_are_echoed_in_the_header_and_the_reply(self):
        # A library that retries keeps this header to itself; one that does not lets it through.
        with grpc.insecure_channel(self.server.target, options=[("grpc.enable_retries", 0)]) as channel:
            reply, call = echo_method(channel, "Unary").with_call(
                echo.EchoRequest(), timeout=30, metadata=(("grpc-previous-rpc-attempts", "3"),))
        self.assertEqual(reply.previous_rpc_attempts, 3)
        self.assertEqual(dict(call.initial_metadata())["grpc-previous-rpc-attempts"], "3")

    def test_a_failed_call_can_be_retried_by_the_callers_library(self):
        policy = {"maxAttempts": 3, "initialBackoff": "0.001s", "maxBackoff": "0.001s", "backoffMultiplier": 1,
                  "retryableStatusCodes": ["UNAVAILABLE"]}
        config = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": policy}]})
        with grpc.insecure_channel(self.server.target, options=[("grpc.service_config", config)]) as channel:
            method = echo_method(channel, "Unary")
            error = self.assert_ends(grpc.StatusCode.UNAVAILABLE,
                                     lambda: method(echo.EchoRequest(error_probability=1), timeout=30))
        trailers = dict(error.trailing_metadata())
        self.assertEqual((trailers["x-backend"], trailers["grpc-previous-rpc-attempts"]), ("pod-e", "2"))

    def test_a_reply_size_replaces_the_payload(self):
        self.assertEqual(len(self.unary(payload=b"abc", reply_size=5000)[0].payload), 5000)

    def test_a_status_code_fails_the_call_with_its_message(self):
        error = self.assert_ends(grpc.StatusCode.ABORTED, lambda: self.unary(status_code=10, status_message="as asked"))
        self.assertEqual(error.details(), "as asked")

    def test_an_error_probability_decides_call_by_call(self):
        self.assertEqual(self.unary(error_probability=1e-12, status_code=5, payload=b"x")[0].payload, b"x")
        self.assert_ends(grpc.StatusCode.UNAVAILABLE, lambda: self.unary(error_probability=1))

        def fails():
            try:
                return self.unary(error_probability=0.5) is None
            except grpc.RpcError:
                return True

        # 200 calls of one outcome by chance: 2^-199.
        self.assertEqual({fails() for _ in range(200)}, {True, False})

    def test_a_delay_holds_the_reply_back(self):
        method = echo_method(self.channel, "Unary")
        self.assert_ends(grpc.StatusCode.DEADLINE_EXCEEDED,
                         lambda: method(echo.EchoRequest(delay_seconds=3600), timeout=0.2))
        reply, _ = self.unary(delay_seconds=0.01, delay_jitter_seconds=0.01, payload=b"late")
        self.assertEqual(reply.payload, b"late")

    def test_impossible_requests_are_refused_by_field(self):
        for field, value in (("delay_seconds", -1), ("delay_seconds", float("nan")), ("delay_jitter_seconds", 1e9),
                             ("reply_size", 4294967295), ("status_code", 17), ("error_probability", 1.5)):
            with self.subTest(field=field, value=value):
                error = self.assert_ends(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.unary(**{field: value}))
                self.assertIn(field, error.details())

    def test_a_client_stream_is_answered_by_its_last_message(self):
        requests = [echo.EchoRequest(payload=text) for text in (b"a", b"bb", b"ccc")]
        before = self.server.metrics()[MESSAGES]
        reply = echo_method(self.channel, "ClientStream")(iter(requests), timeout=30)
        self.assertEqual((reply.payload, reply.messages_seen, reply.payload_bytes_seen), (b"ccc", 3, 6))
        self.assertEqual(self.server.metrics()[MESSAGES], before + 3)

    def test_a_server_stream_sends_as_many_replies_as_asked(self):
        stream = echo_method(self.channel, "ServerStream")
        request = echo.EchoRequest(replies=5, payload=b"x", delay_seconds=0.001)
        self.assertEqual([reply.sequence for reply in stream(request, timeout=30)], [1, 2, 3, 4, 5])
        self.assertEqual([reply.sequence for reply in stream(echo.EchoRequest(), timeout=30)], [1])

    def test_a_bidi_stream_answers_each_message_in_order(self):
        requests = [echo.EchoRequest(payload=str(i).encode(), delay_jitter_seconds=0.002) for i in range(50)]
        replies = list(echo_method(self.channel, "BidiStream")(iter(requests), timeout=30))
        self.assertEqual([reply.payload for reply in replies], [request.payload for request in requests])
        self.assertEqual(replies[-1].messages_seen, 50)

    def test_a_message_can_end_its_stream(self):
        requests = [echo.EchoRequest(), echo.EchoRequest(status_code=8), echo.EchoRequest()]
        replies = echo_method(self.channel, "BidiStream")(iter(requests), timeout=30)
        self.assertEqual(next(replies).sequence, 1)
        self.assert_ends(grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: next(replies))

    def test_echo_streams_are_on_the_gauge_and_in_the_metrics_by_status(self):
        stream = echo_method(self.channel, "ServerStream")(echo.EchoRequest(delay_seconds=3600), timeout=30)
        self.server.wait_for_metric(ACTIVE, 1)
        stream.cancel()
        self.server.wait_for_metric(ACTIVE, 0)
        self.assert_ends(grpc.StatusCode.NOT_FOUND, lambda: self.unary(status_code=5))
        self.server.wait_for_metric('grpc_server_call_duration_seconds_count{grpc_method="lgen.echo.Echo/Unary",'
                                    'grpc_status="NOT_FOUND"}', 1)


class Health(OneServer):
    def test_check_knows_the_server_and_each_service(self):
        for service in ("", "streaming.Streamer", "hello.Hello", "lgen.echo.Echo"):
            with self.subTest(service=service):
                self.assertEqual(health_check(self.channel, service), "SERVING")

    def test_check_of_an_unknown_service_is_not_found(self):
        self.assert_ends(grpc.StatusCode.NOT_FOUND, lambda: health_check(self.channel, "no.Such"))

    def test_watch_begins_with_the_status_of_now(self):
        for service, status in (("hello.Hello", "SERVING"), ("no.Such", "SERVICE_UNKNOWN")):
            with self.subTest(service=service):
                watch = health_watch(self.channel, service)
                self.assertEqual(serving(watch), status)
                watch.cancel()

    def test_probes_are_not_on_the_gauge(self):
        watch = health_watch(self.channel)
        serving(watch)
        self.assertEqual(self.server.metrics()[ACTIVE], 0)
        watch.cancel()


class Reflection(OneServer):
    SERVICES = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection", "hello.Hello", "lgen.echo.Echo", "streaming.Streamer"]

    def both(self, **question):
        for version in ("v1", "v1alpha"):
            with self.subTest(version=version):
                yield reflect(self.channel, version, **question)

    def test_both_versions_list_every_service(self):
        for answer in self.both(list_services="*", host="some-host"):
            self.assertEqual(sorted(s.name for s in answer.list_services_response.service), self.SERVICES)
            self.assertEqual(answer.valid_host, "some-host")
            self.assertEqual(answer.original_request.list_services, "*")

    def test_a_symbol_gives_the_file_as_it_was_bundled(self):
        bundled = descriptor_pb2.FileDescriptorProto()
        protos.messages("streaming").DESCRIPTOR.CopyToProto(bundled)
        for symbol in ("streaming.Streamer", "streaming.Streamer.ProcessTextStream", "streaming.TextRequest"):
            for answer in self.both(file_containing_symbol=symbol):
                files = answer.file_descriptor_response.file_descriptor_proto
                self.assertEqual([descriptor_pb2.FileDescriptorProto.FromString(f) for f in files], [bundled])

    def test_a_file_name_gives_the_file(self):
        for answer in self.both(file_by_filename="hello.proto"):
            files = answer.file_descriptor_response.file_descriptor_proto
            self.assertEqual(descriptor_pb2.FileDescriptorProto.FromString(files[0]).package, "hello")

    def test_extensions_of_an_unextended_type_are_none(self):
        for answer in self.both(all_extension_numbers_of_type="hello.Greeting"):
            self.assertEqual(answer.all_extension_numbers_response.base_type_name, "hello.Greeting")
            self.assertEqual(list(answer.all_extension_numbers_response.extension_number), [])

    def test_what_is_unknown_is_an_error_response_and_not_the_end(self):
        module = protos.messages("reflection_v1")
        extension = module.ExtensionRequest(containing_type="hello.Greeting", extension_number=9)
        for question in ({"file_containing_symbol": "no.Such"}, {"file_by_filename": "no.proto"},
                         {"all_extension_numbers_of_type": "no.Such"}, {"file_containing_extension": extension}):
            answer = reflect(self.channel, "v1", **question)
            self.assertEqual(answer.error_response.error_code, grpc.StatusCode.NOT_FOUND.value[0], question)

    def test_reflection_has_its_own_method_label(self):
        name = 'grpc_method="grpc.reflection.v1.ServerReflection/ServerReflectionInfo"'
        before = self.server.metrics()[f"grpc_server_call_started_total{{{name}}}"]
        reflect(self.channel, "v1", list_services="")
        self.server.wait_for_metric(f"grpc_server_call_started_total{{{name}}}", before + 1)


class Pages(OneServer):
    def test_metrics_are_in_prometheus_text_format_with_the_original_help(self):
        status, body, headers = self.server.get("/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        self.assertIn("# HELP grpc_server_active_streams The number of currently active gRPC streams.\n"
                      "# TYPE grpc_server_active_streams gauge\ngrpc_server_active_streams 0\n", body)
        self.assertIn("# TYPE app_messages_processed_count_total counter\n", body)

    def test_health_and_readiness_have_pages_and_nothing_else_has(self):
        for path, status in (("/healthz", 200), ("/readyz", 200), ("/", 404), ("/metrics/x", 404), ("/etc/passwd", 404)):
            with self.subTest(path=path):
                self.assertEqual(self.server.get(path)[0], status)


if __name__ == "__main__":
    unittest.main()
