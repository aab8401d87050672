"""lgen and the guide's certificate: self-signed, and without a subject alternative name."""

import tempfile
import unittest

import certificates
import lgen
from clients import GUIDE_NAME
from http2_ear import Http2Ear, authority_field
from programs import Server, http_get, parse_metrics, python_program

FLAGS = ["--streams", 6, *lgen.QUICK]


class GuideCertificate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.certificate = certificates.self_signed(directory, GUIDE_NAME)
        cls.server_flags = ["--tls-cert", cls.certificate.cert, "--tls-key", cls.certificate.key]
        cls.client_flags = ["--tls", "--ca", cls.certificate.cert, "--server-name", GUIDE_NAME]

    def check_run(self, ran, backend):
        self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
        self.assertEqual(ran.summary.totals("grpc_streams_ended", "code", "backend"), {("OK", backend): 6})
        self.assertIn("TLS", ran.summary.json["run"]["security"])
        self.assertIn("3 sockets for 3 channels", ran.stdout)

    def test_lgen_server(self):
        with Server("--pod", "pod-tls", *self.server_flags) as server:
            ran = lgen.multi_channel(server.target, *self.client_flags, *FLAGS)
            self.check_run(ran, "pod-tls")
            self.assertEqual(server.metrics()["app_messages_processed_count_total"],
                             ran.summary.total("grpc_messages_confirmed"))

    def test_the_python_server(self):
        for backend in ["", "py-1"]:  # without x-backend, the peer's address names who served
            with self.subTest(backend), python_program("original_server", "--pod", backend,
                                                       *self.server_flags) as server:
                metrics_port = server.out.wait_for(r"Prometheus metrics server started on port (\d+)\.")[1]
                port = server.out.wait_for(r"gRPC server started on port (\d+) ")[1]
                ran = lgen.multi_channel(f"127.0.0.1:{port}", *self.client_flags, *FLAGS)
                self.check_run(ran, backend or f"127.0.0.1:{port}")
                metrics = parse_metrics(http_get(f"http://127.0.0.1:{metrics_port}/metrics")[1])
                self.assertEqual(metrics["app_messages_processed_count_total"],
                                 ran.summary.total("grpc_messages_confirmed"))

    def test_the_server_name_is_also_the_authority(self):
        for flags, authority in [([], GUIDE_NAME), (["--authority", "other.example.com"], "other.example.com")]:
            with self.subTest(flags):
                ear = Http2Ear(self.certificate)
                with lgen.Run(lgen.MULTI_CHANNEL, "--target", ear.target, "--channels", 1, "--streams", 1,
                              *self.client_flags, *flags):
                    ear.wait_for(authority_field(authority))


if __name__ == "__main__":
    unittest.main()
