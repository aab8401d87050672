"""lgen-cluster: what it balances, what it reports, and that nothing of it outlives it."""

import collections
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
import unittest

import certificates
from cluster import Cluster, is_running, processes_below
from clients import TextStream, plain_channel, tls_channel
from programs import Program, binary, http_get
from waiting import eventually

ACTIVE = "grpc_server_active_streams"
MESSAGES = "app_messages_processed_count_total"


def metadata_of(stream):
    return dict(stream.call.initial_metadata())


class Balancing(unittest.TestCase):
    def channel(self, address):
        return self.enterContext(plain_channel(address))

    def open_streams(self, channels, per_channel):
        """One list of open streams for every channel; each has sent a message and knows its pod."""
        opened = [[TextStream(channel, "balance", i).send("hello") for _ in range(per_channel)]
                  for i, channel in enumerate(channels)]
        for streams in opened:
            self.addCleanup(lambda streams=streams: [s.cancel() for s in streams])
        return opened

    def backends(self, streams):
        return collections.Counter(metadata_of(stream)["x-backend"] for stream in streams)

    def test_connection_keeps_every_stream_of_a_connection_on_one_pod(self):
        cluster = self.enterContext(Cluster(pods=3, balance="connection"))
        opened = self.open_streams([self.channel(cluster.address) for _ in range(3)], 10)
        spread = [self.backends(streams) for streams in opened]
        self.assertEqual([len(one) for one in spread], [1, 1, 1])
        self.assertEqual(sum(spread, collections.Counter()), {"pod-1": 10, "pod-2": 10, "pod-3": 10})
        self.assertEqual(cluster.accepted_connections(), 3)
        for streams in opened:
            self.assertEqual([stream.close() for stream in streams], [1] * 10)

    def test_connection_gives_a_single_connection_to_a_single_pod(self):
        cluster = self.enterContext(Cluster(pods=3, balance="connection"))
        (streams,) = self.open_streams([self.channel(cluster.address)], 30)
        self.assertEqual(list(self.backends(streams).values()), [30])

    def test_stream_spreads_the_streams_of_every_connection(self):
        for channels, per_channel in [(3, 10), (1, 30)]:
            with self.subTest(channels=channels), Cluster(pods=3, balance="stream") as cluster:
                opened = self.open_streams([self.channel(cluster.address) for _ in range(channels)], per_channel)
                for streams in opened:
                    self.assertEqual(set(self.backends(streams)), set(cluster.pods))
                together = self.backends(sum(opened, []))
                self.assertEqual(together, {"pod-1": 10, "pod-2": 10, "pod-3": 10})
                self.assertEqual(cluster.sum_of(ACTIVE), 30)
                for stream in sum(opened, []):
                    self.assertEqual(stream.close(), 1)
                eventually(lambda: cluster.sum_of(ACTIVE) == 0, "the end of all streams")

    def test_zones_keep_a_connection_in_a_zone_and_spread_its_streams(self):
        cluster = self.enterContext(Cluster(balance="zones"))
        self.assertEqual(cluster.pods, ["pod-a1", "pod-a2", "pod-b1", "pod-b2"])
        opened = self.open_streams([self.channel(cluster.address) for _ in range(4)], 10)
        zones = []
        for streams in opened:
            seen = collections.Counter((m["x-zone"], m["x-backend"]) for m in map(metadata_of, streams))
            (zone,) = {zone for zone, _ in seen}
            letter = zone.removeprefix("zone-")
            self.assertEqual(seen, {(zone, f"pod-{letter}1"): 5, (zone, f"pod-{letter}2"): 5})
            zones.append(zone)
        self.assertEqual(collections.Counter(zones), {"zone-a": 2, "zone-b": 2})

    def test_a_cancelled_stream_reaches_its_pod_as_cancelled(self):
        for balance in ["connection", "stream", "zones"]:
            with self.subTest(balance=balance), Cluster(balance=balance) as cluster:
                ((stream,),) = self.open_streams([self.channel(cluster.address)], 1)
                pod = metadata_of(stream)["x-backend"]
                eventually(lambda: cluster.metrics(pod)[MESSAGES] == 1, "the first message")
                stream.cancel()
                eventually(lambda: "[Client: balance, Channel: 0] Stream cancelled by client after 1 messages."
                           in cluster.log(pod), "the cancellation in the pod's log")
                eventually(lambda: cluster.sum_of(ACTIVE) == 0, "the gauge's return to 0")

    def test_a_zone_without_pods_gets_no_new_connections(self):
        cluster = self.enterContext(Cluster(balance="zones"))
        cluster.kill_pod("pod-a1")
        cluster.kill_pod("pod-a2")
        cluster.wait_for_status("zone-a", "DOWN")
        opened = self.open_streams([self.channel(cluster.address) for _ in range(4)], 2)
        self.assertEqual(self.backends(sum(opened, [])), {"pod-b1": 4, "pod-b2": 4})


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.certificate = certificates.self_signed(cls.directory)

    def test_every_mode_serves_the_given_certificate(self):
        flags = ["--tls-cert", self.certificate.cert, "--tls-key", self.certificate.key]
        for balance in ["connection", "stream", "zones"]:
            with self.subTest(balance=balance), Cluster(*flags, balance=balance) as cluster, \
                    tls_channel(cluster.address, self.certificate.read()) as channel:
                streams = [TextStream(channel).send("hello") for _ in range(8)]
                pods = {metadata_of(stream)["x-backend"] for stream in streams}
                self.assertEqual(len(pods), {"connection": 1, "stream": 3, "zones": 2}[balance])
                self.assertEqual([stream.close() for stream in streams], [1] * 8)

    def test_a_key_of_another_certificate_is_refused(self):
        other = certificates.self_signed(self.directory, name="other")
        for balance in ["connection", "stream", "zones"]:
            with self.subTest(balance=balance):
                cluster = self.enterContext(Cluster("--tls-cert", self.certificate.cert, "--tls-key", other.key,
                                                    balance=balance, wait=False))
                self.assertEqual(cluster.wait(), 1)
                self.assertRegex("\n".join(cluster.err.all_until_end()), r"(?i)key")


class StandardStreams(unittest.TestCase):
    """Closed or full ones: the cluster goes on, and no socket takes the number of a closed one."""

    def test_a_lost_pod_that_cannot_be_reported(self):
        for redirection in ("2>&-", "2>/dev/full", ">&- 2>&-", ">/dev/full 2>/dev/full"):
            with self.subTest(redirection), tempfile.TemporaryDirectory() as folder:
                command = f'exec "{binary("lgen-cluster")}" --pods 2 --port 0 --log-dir {folder} {redirection}'
                with Program(["bash", "-c", command]) as cluster:
                    eventually(lambda: "haproxy" in processes_below(cluster.process.pid).values(), "the balancer")
                    below = processes_below(cluster.process.pid)
                    pod = next(pid for pid, name in below.items() if name == "lgen-server")
                    for number in range(3):
                        link = os.readlink(f"/proc/{cluster.process.pid}/fd/{number}")
                        self.assertFalse(link.startswith("socket:"), link)
                    os.kill(pod, signal.SIGKILL)
                    eventually(lambda: not os.path.exists(f"/proc/{pod}"), "that the cluster has heard of its end")
                    self.assertIsNone(cluster.process.poll())
                    cluster.stop()
                    self.assertGreaterEqual(cluster.process.returncode, 0)

    def test_a_complaint_that_nobody_can_read(self):
        for redirection in ("2>&-", "2>/dev/full"):
            for words in ("--no-such-flag", "--pods 0", "--haproxy /no/such"):
                with self.subTest(f"{words} {redirection}"), \
                        Program(["bash", "-c", f'exec "{binary("lgen-cluster")}" {words} {redirection}']) as cluster:
                    self.assertEqual(cluster.wait(), 104)


class Losses(unittest.TestCase):
    def test_a_killed_pod_is_reported_and_taken_out(self):
        cluster = self.enterContext(Cluster(pods=3, balance="stream"))
        pid = cluster.kill_pod("pod-2")
        cluster.err.wait_for(rf"pod pod-2 \(pid {pid}\) was killed by signal 9$")
        self.assertEqual([group["labels"]["pod"] for group in cluster.service_discovery()], ["pod-1", "pod-3"])
        channel = self.enterContext(plain_channel(cluster.address))
        streams = [TextStream(channel).send("hello") for _ in range(10)]
        self.assertEqual(collections.Counter(metadata_of(stream)["x-backend"] for stream in streams),
                         {"pod-1": 5, "pod-3": 5})
        self.assertEqual([stream.close() for stream in streams], [1] * 10)

    def test_a_pod_told_to_stop_reports_its_exit_code(self):
        cluster = self.enterContext(Cluster(pods=2))
        pid = cluster.kill_pod(0, signal.SIGTERM)
        cluster.err.wait_for(rf"pod pod-1 \(pid {pid}\) exited with code 0$")

    def test_the_end_of_haproxy_ends_the_cluster(self):
        cluster = self.enterContext(Cluster(pods=2))
        pids = cluster.pids()
        os.kill(cluster.pid("haproxy"), signal.SIGKILL)
        self.assertEqual(cluster.wait(), 1)
        cluster.err.wait_for(r"HAProxy \(pid \d+\) was killed by signal 9")
        self.assertFalse(any(map(is_running, pids)))

    def test_the_ready_line_waits_for_slow_pods(self):
        cluster = self.enterContext(Cluster(pods=2, pod_flags=["--startup-delay", "1s"]))
        for group in cluster.service_discovery():
            self.assertEqual(http_get(f"http://{group['targets'][0]}/readyz")[0], 200)

    def test_a_pod_that_drains_keeps_its_streams_and_gets_no_new_ones(self):
        cluster = self.enterContext(Cluster(pods=2, balance="stream", pod_flags=["--drain-delay", "1h"]))
        channel = self.enterContext(plain_channel(cluster.address))
        before = [TextStream(channel).send("hello") for _ in range(2)]
        self.assertEqual({metadata_of(stream)["x-backend"] for stream in before}, {"pod-1", "pod-2"})
        pid = cluster.pid("pod-1")
        os.kill(pid, signal.SIGTERM)
        cluster.wait_for_status("pod-1", "DOWN")
        after = [TextStream(channel).send("hello") for _ in range(4)]
        self.assertEqual({metadata_of(stream)["x-backend"] for stream in after}, {"pod-2"})
        self.assertEqual([stream.close() for stream in before + after], [1] * 6)
        self.assertTrue(is_running(pid))
        for pod in cluster.pods:
            os.kill(cluster.pid(pod), signal.SIGKILL)


class Ending(unittest.TestCase):
    def assert_all_gone(self, pids):
        for pid in pids:
            eventually(lambda pid=pid: not is_running(pid), f"the end of process {pid}")

    def test_sigterm_and_sigint_stop_everything_and_leave_no_file(self):
        for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
            with self.subTest(signal=number), Cluster(pods=2) as cluster:
                pids = cluster.pids()
                self.assertEqual(cluster.stop(number), 0)
                self.assertFalse(any(map(is_running, pids)))
                self.assertFalse(os.path.exists(cluster.facts["run"]))
                self.assertEqual(cluster.out.all_until_end(), cluster.out.all()[:1])

    def test_open_streams_do_not_hold_up_the_stop(self):
        cluster = self.enterContext(Cluster(pods=2))
        channel = self.enterContext(plain_channel(cluster.address))
        stream = TextStream(channel).send("hello")
        metadata_of(stream)
        self.assertEqual(cluster.stop(), 0)
        self.assertEqual(stream.status().name, "UNAVAILABLE")

    def test_a_second_signal_does_not_wait_for_pods_that_drain(self):
        cluster = self.enterContext(Cluster(pods=2, pod_flags=["--drain-delay", "1h"]))
        pids = cluster.pids()
        cluster.send_signal(signal.SIGTERM)
        eventually(lambda: not is_running(pids[-1]), "the end of HAProxy")
        self.assertEqual(cluster.stop(), 0)
        self.assertFalse(any(map(is_running, pids)))

    def test_a_given_log_directory_is_kept(self):
        with tempfile.TemporaryDirectory() as directory:
            logs = os.path.join(directory, "new", "logs")
            with Cluster("--log-dir", logs, pods=2) as cluster:
                self.assertEqual(cluster.facts["logs"], logs)
            self.assertEqual(sorted(os.listdir(logs)), ["pod-1.log", "pod-2.log"])

    def test_sigkill_leaves_no_process_behind(self):
        cluster = self.enterContext(Cluster(pods=3))
        self.addCleanup(shutil.rmtree, cluster.facts["run"], True)
        pids = cluster.pids()
        self.assertTrue(all(map(is_running, pids)))
        cluster.send_signal(signal.SIGKILL)
        self.assert_all_gone(pids)

    def test_it_ends_when_its_parent_dies(self):
        # The parent passes the cluster's output on and then only waits.
        code = ("import subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdout=sys.stdout); "
                "print('child', p.pid, flush=True); p.wait()")
        command = [sys.executable, "-c", code, binary("lgen-cluster"), "--port", "0", "--pods", "2"]
        parent = self.enterContext(Program(command))
        pid = int(parent.out.wait_for(r"^child (\d+)")[1])
        run = parent.out.wait_for(r"^lgen-cluster ready: .* run=(\S+)")[1]
        pids = [pid]
        for name in ["pod-1", "pod-2", "haproxy"]:
            with open(os.path.join(run, name + ".pid"), encoding="ascii") as file:
                pids.append(int(file.read()))
        parent.send_signal(signal.SIGKILL)
        self.assert_all_gone(pids)
        eventually(lambda: not os.path.exists(run), "the removal of the run directory")
        parent.err.wait_for("the process that started it is gone: stops")


class Sharing(unittest.TestCase):
    def test_two_clusters_run_side_by_side(self):
        one = self.enterContext(Cluster(pods=2, wait=False))
        two = self.enterContext(Cluster(pods=2, wait=False))
        one.wait_until_ready()
        two.wait_until_ready()
        self.assertNotEqual(one.facts["base-ip"], two.facts["base-ip"])
        for cluster in [one, two]:
            with plain_channel(cluster.address) as channel:
                self.assertEqual(TextStream(channel).send("hello").close(), 1)
            self.assertEqual(cluster.sum_of(MESSAGES), 1)

    def test_a_given_address_block_in_use_is_refused(self):
        one = self.enterContext(Cluster(pods=2))
        two = self.enterContext(Cluster("--base-ip", one.facts["base-ip"], wait=False))
        self.assertEqual(two.wait(), 104)
        two.err.wait_for("another lgen-cluster has the addresses around " + one.facts["base-ip"])

    def test_a_foreign_program_on_a_pods_port_is_named(self):
        net = f"127.{64 + os.getpid() % 128}.{os.getpid() // 128 % 256}"  # of this run of the test alone
        with socket.socket() as taken:
            taken.bind((net + ".12", 50051))
            taken.listen()
            cluster = self.enterContext(Cluster("--base-ip", net + ".11", pods=2, wait=False))
            self.assertEqual(cluster.wait(), 104)
            cluster.err.wait_for(rf"port 50051 on {re.escape(net)}\.12, .* in use by .*\(pid {os.getpid()}\)")

    def test_service_discovery_lists_pods_and_zones(self):
        cluster = self.enterContext(Cluster(balance="zones", pods=5))
        prefix = cluster.facts["base-ip"].rpartition(".")[0]
        self.assertEqual(cluster.service_discovery(), [
            {"targets": [f"{prefix}.{11 + i}:9464"], "labels": {"pod": f"pod-{name}", "zone": f"zone-{name[0]}"}}
            for i, name in enumerate(["a1", "a2", "a3", "b1", "b2"])])


class Refusals(unittest.TestCase):
    def refused(self, *flags, code=104, **more):
        cluster = self.enterContext(Cluster(*flags, wait=False, **more))
        self.assertEqual(cluster.wait(), code)
        self.assertEqual(cluster.out.all_until_end(), [])
        return "\n".join(cluster.err.all_until_end())

    def test_a_port_in_use_is_refused_with_its_owner(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            message = self.refused(port=port)
            self.assertRegex(message, rf"port {port} on 127\.0\.0\.1 is in use by .*\(pid {os.getpid()}\).*--port")
            message = self.refused("--sd-port", port)
            self.assertRegex(message, rf"port {port} .*\(pid {os.getpid()}\).*--sd-port")

    def test_a_missing_haproxy_is_refused_with_the_way_to_install_it(self):
        self.assertIn("apt-get install haproxy", self.refused("--haproxy", "no-such-haproxy"))
        self.assertIn("apt-get install haproxy", self.refused("--haproxy", "/nowhere/haproxy"))

    def test_flags_that_make_no_sense_are_refused(self):
        for flags, words in [
                (["--balance", "zones", "--pods", "3"], "two pods per zone"),
                (["--zones", "2"], "--balance zones"),
                (["--pods", "0"], "--pods 0"),
                (["--pods", "245"], "--pods 245"),
                (["--base-ip", "10.0.0.1"], "not a loopback address"),
                (["--base-ip", "127.0.0.253", "--pods", "3"], "leaves no room"),
                (["--tls-cert", "x.pem"], "give both"),
                (["--tls-cert", "/nowhere/x.pem", "--tls-key", "/nowhere/x.key"], "/nowhere/x.pem: No such file"),
                (["--log-dir", "/proc/nowhere"], "--log-dir /proc/nowhere"),
                (["--balance", "random"], "--balance"),
                (["--bogus"], "--bogus"),
                (["--", "--grpc-port", "1"], "--grpc-port after --"),
                (["--", "--tls-cert=x"], "give it before the --")]:
            with self.subTest(flags=flags):
                self.assertIn(words, self.refused(*flags))

    def test_a_pod_that_dies_before_it_is_ready_shows_its_log(self):
        message = self.refused(pods=2, pod_flags=["--no-such-flag"], code=1)
        self.assertRegex(message, r"pod pod-\d \(pid \d+\) exited with code \d+ before it was ready")
        self.assertIn("no-such-flag", message)

    def test_a_pod_that_is_never_ready_is_given_up(self):
        message = self.refused("--ready-timeout", "300ms", pods=2, pod_flags=["--startup-delay", "1h"], code=1)
        self.assertIn("not ready after 0.3 s", message)
        self.assertIn("pod-2", message)


class Elsewhere(unittest.TestCase):
    """lgen-cluster copied to a directory where lgen-server is missing or another program."""

    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.program = shutil.copy(binary("lgen-cluster"), self.directory)

    def test_a_missing_server_is_named(self):
        cluster = self.enterContext(Cluster(program=self.program, wait=False))
        self.assertEqual(cluster.wait(), 104)
        cluster.err.wait_for(f"there is no program {self.directory}/lgen-server")

    def test_a_server_that_cannot_run_is_named(self):
        server = os.path.join(self.directory, "lgen-server")
        with open(server, "w", encoding="ascii") as file:
            file.write("not a program")
        os.chmod(server, 0o755)
        cluster = self.enterContext(Cluster(program=self.program, wait=False))
        self.assertEqual(cluster.wait(), 104)
        cluster.err.wait_for(f"cannot start {server}: Exec format error")


if __name__ == "__main__":
    unittest.main()
