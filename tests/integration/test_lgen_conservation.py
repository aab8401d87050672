"""Nothing is lost and nothing invented: lgen's counts against the pods' logs, metrics and replies."""

import unittest

import lgen
from cluster import Cluster
from pod_logs import PodLog
from waiting import eventually

ACTIVE = "grpc_server_active_streams"
MESSAGES = "app_messages_processed_count_total"
STARTED = 'grpc_server_call_started_total{grpc_method="streaming.Streamer/ProcessTextStream"}'


class Conservation(unittest.TestCase):
    def check_own_books(self, summary):
        """What holds in every run, by lgen's own figures."""
        self.assertEqual(summary.json["conservation"], "")
        by_code = summary.totals("grpc_streams_ended", "code")
        self.assertEqual(summary.total("grpc_streams_opened"), sum(by_code.values()))
        self.assertEqual(summary.total("grpc_streams_active"), 0)
        self.assertEqual(summary.total("grpc_messages_sent"),
                         summary.total("grpc_messages_confirmed") + summary.total("grpc_messages_unconfirmed"))
        lives = summary.events("stream_ended") + summary.events("stream_lost")
        self.assertEqual(len(lives), summary.total("grpc_streams_opened"))
        self.assertEqual(sum(int(life["sent"]) for life in lives), summary.total("grpc_messages_sent"))
        self.assertEqual(len(summary.events("stream_lost")), summary.total("stream_losses"))
        (replies,) = [c for c in summary.json["checks"] if c["name"] == "the reply counts every message"]
        self.assertEqual((replies["passes"], replies["fails"]), (by_code["OK"], 0))

    def check_undisturbed(self, cluster, summary, streams):
        self.check_own_books(summary)
        self.assertEqual(summary.totals("grpc_streams_ended", "code"), {"OK": streams})
        self.assertEqual(summary.total("grpc_messages_unconfirmed") + summary.total("grpc_messages_discarded"), 0)
        self.assertEqual(sum(summary.matrix().values()), streams)
        streams_of = summary.totals("grpc_streams_ended", "backend")
        messages_of = summary.totals("grpc_messages_confirmed", "backend")
        cluster.wait_until_idle()
        for pod in cluster.pods:
            with self.subTest(pod):
                log, metrics = PodLog(cluster.log(pod)), cluster.metrics(pod)
                self.assertEqual((log.opened, log.closed, log.finished), (streams_of[pod],) * 3)
                self.assertEqual(log.cancelled, 0)
                self.assertEqual(metrics[STARTED], streams_of[pod])
                self.assertEqual(metrics[ACTIVE], 0)
                self.assertEqual(log.processed, messages_of[pod])
                self.assertEqual(metrics[MESSAGES], messages_of[pod])

    def test_thirty_streams(self):
        for balance in ["connection", "stream"]:
            with self.subTest(balance), Cluster(pods=3, balance=balance) as cluster:
                ran = lgen.multi_channel(cluster.address, *lgen.QUICK)
                self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
                self.check_undisturbed(cluster, ran.summary, 30)

    def test_two_thousand_streams_over_twenty_channels(self):
        for balance in ["connection", "stream"]:
            with self.subTest(balance), Cluster(pods=3, balance=balance) as cluster:
                ran = lgen.multi_channel(cluster.address, "--streams", 2000, "--channels", 20, "--stagger", "0s..1ms",
                                         "--every", "0.25s", "--hold", "1s", "--quiet")
                self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
                self.check_undisturbed(cluster, ran.summary, 2000)
                self.assertEqual(cluster.accepted_connections(), 20)
                self.assertIn("20 sockets for 20 channels: no reconnect", ran.stdout)

    def test_a_pod_is_killed_in_the_middle(self):
        for balance in ["connection", "stream"]:
            with self.subTest(balance), Cluster(pods=3, balance=balance) as cluster, \
                    lgen.Run(lgen.MULTI_CHANNEL, "--target", cluster.address, "--stagger", "0s..5ms", "--hold", "1h",
                             "--every", "20ms", "--reconnect", "0.1s..0.5s") as running:
                eventually(lambda: cluster.sum_of(ACTIVE) == 30, "30 open streams")
                # By then lgen has long had every stream's headers, which name its pod.
                eventually(lambda: cluster.sum_of(MESSAGES) >= 300, "ten messages of each stream")
                cluster.kill_pod("pod-2")
                eventually(lambda: cluster.sum_of(ACTIVE) == 30, "30 streams on the other pods")
                running.interrupt()
                self.assertEqual(running.code, lgen.STOPPED, running.stdout + running.stderr)
                self.check_own_books(running.summary)
                self.check_after_kill(cluster, running.summary, "pod-2", balance)

    def test_a_pod_that_hangs_is_nobody_else(self):
        """Streams that nobody answers are in the matrix, not left out and not laid at the balancer's door."""
        with Cluster(pods=3, balance="stream") as cluster, cluster.frozen_pod("pod-2"), \
                lgen.Run(lgen.MULTI_CHANNEL, "--target", cluster.address, "--stagger", "0s", "--hold", "1h",
                         "--reconnect", "never", "--stop-timeout", "1s") as running:
            awake = ["pod-1", "pod-3"]
            eventually(lambda: sum(cluster.metrics(pod)[ACTIVE] for pod in awake) == 20, "20 answered streams")
            eventually(lambda: sum(cluster.metrics(pod)[MESSAGES] for pod in awake) >= 40, "messages of each")
            running.interrupt()
            self.assertEqual(running.code, lgen.STOPPED, running.stdout + running.stderr)
            summary = running.summary
            self.check_own_books(summary)
            by_backend = {}
            for (_, backend), streams in summary.matrix().items():
                by_backend[backend] = by_backend.get(backend, 0) + streams
            self.assertEqual(by_backend, {"pod-1": 10, "pod-3": 10, "unknown": 10})
            self.assertEqual(summary.verdict["kind"], "inconclusive")
            self.assertEqual({life["backend"] for life in summary.events("stream_lost")}, {"unknown"})
            self.assertEqual(set(summary.totals("grpc_messages_unconfirmed", "backend")), {"unknown"})

    def check_after_kill(self, cluster, summary, killed, balance):
        codes_of = summary.totals("grpc_streams_ended", "backend", "code")
        self.assertEqual(sum(n for (pod, code), n in codes_of.items() if pod == killed and code != "OK"), 10)
        # Until HAProxy has noticed, it may refuse a stream itself: no pod has seen that one.
        nobody = {"", "unknown"} if balance == "stream" else set()
        self.assertLessEqual(set(summary.totals("grpc_messages_unconfirmed", "backend")), {killed} | nobody)
        self.assertLessEqual({life["backend"] for life in summary.events("stream_lost")}, {killed, "none", "unknown"})
        self.assertEqual(summary.total("stream_returns"), summary.total("stream_losses"))
        self.assertEqual(summary.total("grpc_streams_opened"), 30 + summary.total("stream_returns"))
        confirmed = summary.totals("grpc_messages_confirmed", "backend")
        survivors = [pod for pod in cluster.pods if pod != killed]
        cluster.wait_until_idle(survivors)
        for pod in survivors:
            with self.subTest(pod):
                log, metrics = PodLog(cluster.log(pod)), cluster.metrics(pod)
                self.assertEqual(metrics[MESSAGES], confirmed[pod] + log.interrupted)
                self.assertEqual(log.closed, codes_of[pod, "OK"])
                self.assertEqual(log.opened, log.closed + log.cancelled)
                self.assertEqual(metrics[ACTIVE], 0)


if __name__ == "__main__":
    unittest.main()
