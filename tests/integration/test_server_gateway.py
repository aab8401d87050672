"""lgen-server's gateway role: it asks a hello service over gRPC or HTTP, and its answer names both pods."""

import contextlib
import json
import socket
import unittest

from programs import Server, http_get
from waiting import dead_target, eventually


@contextlib.contextmanager
def gateway(grpc_backend=None, http_backend=None, *flags):
    backends = [flag for name, value in (("--grpc-backend", grpc_backend), ("--http-backend", http_backend)) if value
                for flag in (name, value)]
    with Server("--pod", "gate", "--gateway-port", "0", *backends, *flags) as server:
        server.gateway_port = int(server.out.wait_for(r"Gateway started on port (\d+)\.")[1])
        yield server


def ask(server, path):
    status, body, headers = http_get(f"http://{server.host}:{server.gateway_port}{path}")
    return status, json.loads(body), headers


class GatewayTest(unittest.TestCase):
    def test_the_answer_names_the_gateway_and_the_backend(self):
        with Server("--pod", "back", "--app-version", "v2") as back:
            page = f"http://{back.host}:{back.http_port}/hellohttp"
            with gateway(back.target, page) as gate:
                for path, version in (("/hellogrpc", "v2-hellogrpc"), ("/hellohttp", "v2-hellohttp")):
                    with self.subTest(path):
                        status, answer, headers = ask(gate, path + "?name=Ann%20%22%C3%A9")
                        self.assertEqual(status, 200)
                        self.assertEqual(answer, {
                            "name": 'Ann "é', "version": "v1-helloserve", "hostname": "gate",
                            "response": {"name": 'Ann "é', "version": version, "hostname": "back"}})
                        self.assertEqual((headers["x-backend"], headers["x-version"]), ("gate", "v1"))

    def hosts(self, gate, count):
        return [ask(gate, "/hellogrpc")[1]["response"]["hostname"] for _ in range(count)]

    def test_requests_over_grpc_go_round_the_backends_on_a_shared_channel(self):
        with Server("--pod", "one") as one, Server("--pod", "two") as two, \
                gateway(f"ipv4:{one.target},{two.target}") as gate:
            names = set()
            eventually(lambda: names.update(self.hosts(gate, 1)) or len(names) == 2, "an answer of each backend")
            more = self.hosts(gate, 20)  # both are connected now, and take turns
            self.assertEqual((more.count("one"), more.count("two")), (10, 10))

    def test_a_channel_for_each_request(self):
        with Server("--pod", "one") as one, gateway(one.target, None, "--grpc-dial", "per-request") as gate:
            self.assertEqual(self.hosts(gate, 3), ["one"] * 3)

    def test_a_backend_that_fails_is_a_502_that_says_why(self):
        with dead_target() as dead, gateway(dead, f"http://{dead}/hellohttp") as gate:
            status, answer, headers = ask(gate, "/hellogrpc?name=x")
            self.assertEqual((status, headers["x-backend"]), (502, "gate"))
            self.assertIn("gRPC status 14", answer["error"])
            status, answer, _ = ask(gate, "/hellohttp?name=x")
            self.assertEqual((status, answer), (502, {"error": f"http://{dead}/hellohttp: Connection refused"}))

    def test_a_backend_that_is_silent_has_a_second(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            with gateway(address, f"http://{address}/hellohttp") as gate:
                status, answer, _ = ask(gate, "/hellohttp")
                self.assertEqual((status, answer["error"]), (502, f"http://{address}/hellohttp: no answer within 1 s"))
                status, answer, _ = ask(gate, "/hellogrpc")
                self.assertEqual(status, 502)
                self.assertIn("gRPC status 4", answer["error"])

    def test_answers_that_are_none(self):
        with Server("--pod", "back") as back:
            for path, why in (("/metrics", "what came is not JSON of {name, version, hostname}"), ("/nothing", "status 404")):
                with self.subTest(path), gateway(None, f"http://{back.host}:{back.metrics_port}{path}") as gate:
                    status, answer, _ = ask(gate, "/hellohttp")
                    self.assertEqual(status, 502)
                    self.assertIn(why, answer["error"])

    def test_a_gateway_without_backends_says_which_flag_is_missing(self):
        with gateway() as gate:
            for path, flag in (("/hellogrpc", "--grpc-backend"), ("/hellohttp", "--http-backend")):
                self.assertEqual(ask(gate, path)[:2], (502, {"error": f"the gateway was started without {flag}"}))

    def test_it_refuses_while_the_server_is_starting(self):
        with Server("--gateway-port", "0", "--startup-delay", "1h", "--listen-early", "refuse", wait=False) as server:
            server.gateway_port = int(server.out.wait_for(r"Gateway started on port (\d+)\.")[1])
            self.assertEqual(ask(server, "/hellogrpc")[:2], (503, {"error": "the server is starting"}))


class FlagsTest(unittest.TestCase):
    def test_what_is_refused(self):
        rows = [(("--http-backend", "grpc-svc:8000"), "is no URL like http://http-svc:8100/hellohttp"),
                (("--http-backend", "https://a/b"), "is no URL like"),
                (("--http-backend", "http://a:0/b"), "is no URL like"),
                (("--http-backend", "http://a:8x/b"), "is no URL like"),
                (("--http-backend", "http://a/b?name=x"), "is no URL like"),
                (("--grpc-dial", "sometimes"), "--grpc-dial")]
        for flags, why in rows:
            with self.subTest(flags), Server(*flags, wait=False) as server:
                self.assertEqual(server.wait(), 104)
                self.assertIn(why, "\n".join(server.err.all_until_end()))


if __name__ == "__main__":
    unittest.main()
