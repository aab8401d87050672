"""Connections that end: how many there were, how they ended, and what comes back, by the original clients' rules."""

import collections
import os
import pty
import re
import subprocess
import unittest

import lgen
from cluster import Cluster
from pod_logs import PodLog
from programs import Server, binary
from waiting import eventually

ACTIVE = "grpc_server_active_streams"
AGED = ["--max-connection-age", "2s", "--max-connection-age-grace", "1s"]
AT_ONCE = ["--stagger", "0s..5ms"]
SOON = ["--reconnect", "0.1s..0.3s"]


def read_all(terminal):
    """What was written to the other end of a pseudo terminal until that was closed."""
    text = b""
    with os.fdopen(terminal, "rb", buffering=0) as source:
        try:
            while part := source.read(65536):
                text += part
        except OSError:  # how a terminal says that nobody is left
            pass
    return text.decode().replace("\r\n", "\n")


class ConnectionAge(unittest.TestCase):
    """A server that ends its connections after 2 s: GOAWAY, a second of grace, and the streams end UNAVAILABLE."""

    def check(self, running, streams=30):
        """Every connection ended by GOAWAY, every stream came back; the books are balanced."""
        summary = running.summary
        left = [c for c in summary.connections if c["closed_at"] is not None]
        self.assertEqual({c["goaway"] for c in left}, {"inferred"}, left)
        self.assertEqual(summary.totals("grpc_streams_ended", "code"), {"OK": streams, "UNAVAILABLE": streams})
        self.assertEqual(summary.total("stream_returns"), streams)
        returned = sorted(event["stream"] for event in summary.events("stream_returned"))
        self.assertEqual(returned, list(range(1, streams + 1)))
        self.assertRegex(running.stdout, f"stream_returned ×{streams}\n")
        self.check_returns_follow_losses(summary)
        self.assertEqual(len(summary.events("reconnected")), 3)
        self.assertEqual([channel["connections"] for channel in summary.channels], [2, 2, 2])
        self.assertIn("6 sockets for 3 channels: 3 reconnects", running.stdout)
        self.assertRegex(running.stdout, r"main\[1\]#1: GOAWAY \(inferred\); main\[1\]#2 after")
        self.assertEqual(summary.json["conservation"], "")

    def check_returns_follow_losses(self, summary):
        lost = set()
        for event in summary.json["events"]:
            stream = event["fields"].get("stream")
            if event["name"] == "stream_lost":
                lost.add(stream)
            elif event["name"] == "stream_returned":
                self.assertIn(stream, lost, "came back without having been lost")

    def until_all_are_back(self, target, opened, active):
        """Runs until every stream has been opened twice, then Ctrl-C."""
        with lgen.Run(lgen.MULTI_CHANNEL, "--target", target, *AT_ONCE, *SOON, "--hold", "1h") as running:
            eventually(lambda: opened() == 60 and active() == 30, "every stream opened a second time")
            running.interrupt()
        self.assertEqual(running.code, lgen.STOPPED, running.stdout + running.stderr)
        eventually(lambda: active() == 0, "the gauge back at 0")
        return running

    def test_direct(self):
        with Server(*AGED) as server:
            running = self.until_all_are_back(server.target, lambda: PodLog(server.log()).opened,
                                              lambda: server.metrics()[ACTIVE])
            self.check(running)

    def test_behind_a_balancer_of_connections(self):
        with Cluster(pods=3, balance="connection", pod_flags=AGED) as cluster:
            running = self.until_all_are_back(
                cluster.address, lambda: sum(PodLog(cluster.log(pod)).opened for pod in cluster.pods),
                lambda: cluster.sum_of(ACTIVE))
            self.check(running)
            self.assertEqual(cluster.accepted_connections(), running.summary.total("grpc_connections"))
            self.assertEqual(cluster.accepted_connections(), len(running.summary.connections))


class LossRules(unittest.TestCase):
    """What is made anew when a pod is killed."""

    def lose_a_pod(self, *flags, back, balance="connection", streams=30):
        """The summary of a run in which pod-2 was killed and then `back` streams were open again."""
        with Cluster(pods=3, balance=balance) as cluster, \
                lgen.Run(lgen.MULTI_CHANNEL, "--target", cluster.address, "--hold", "1h", *flags) as running:
            eventually(lambda: cluster.sum_of(ACTIVE) == streams, "all streams open")
            cluster.kill_pod("pod-2")
            eventually(lambda: cluster.sum_of(ACTIVE) == back, "streams open again")
            running.interrupt()
            self.assertEqual(running.code, lgen.STOPPED, running.stdout + running.stderr)
            # An attempt fails when HAProxy, not yet aware of the kill, chooses the dead pod.
            failed = sum(channel["failed_attempts"] for channel in running.summary.channels)
            self.assertEqual(cluster.accepted_connections(), running.summary.total("grpc_connections") + failed)
        return running.summary

    def lost_with(self, summary, pod):
        """Streams. (Those that came back too early and reached nobody are losses too, but nobody's.)"""
        return sum(life["backend"] == pod for life in summary.events("stream_lost"))

    def lives(self, summary, name):
        """{stream: [(connection, backend), ...]}"""
        found = collections.defaultdict(list)
        for life in summary.events(name):
            found[int(life["stream"])].append((life["connection"], life["backend"]))
        return found

    def test_rule_stream_opens_each_stream_anew_on_its_channel(self):
        summary = self.lose_a_pod(*AT_ONCE, *SOON, back=30)
        (lost,) = summary.events("connection_lost")
        self.assertEqual(lost["reason"], "closed")
        channel = lost["connection"].removesuffix("#1")
        self.assertEqual([event["connection"] for event in summary.events("reconnected")], [channel + "#2"])
        lost_streams = self.lives(summary, "stream_lost")
        number = int(channel.removeprefix("main[").removesuffix("]"))
        self.assertEqual(sorted(lost_streams), [i for i in range(1, 31) if (i - 1) % 3 == number - 1])
        for first, *_ in lost_streams.values():
            self.assertEqual(first, (channel + "#1", "pod-2"))
        ended = self.lives(summary, "stream_ended")
        self.assertEqual(sorted(ended), list(range(1, 31)))
        for i in lost_streams:
            connection, backend = ended[i][0]
            self.assertEqual(connection, channel + "#2")
            self.assertIn(backend, ["pod-1", "pod-3"])

    def test_rule_channel_makes_the_channel_anew_when_its_last_stream_has_ended(self):
        summary = self.lose_a_pod("--like", "multiplex", *SOON, back=30)
        self.assertEqual(self.lost_with(summary, "pod-2"), 10)
        self.assertEqual(summary.total("stream_returns"), summary.total("stream_losses"))
        self.assertEqual(sorted(channel["connections"] for channel in summary.channels), [1, 1, 2])
        self.assertEqual(summary.totals("grpc_streams_ended", "code")["OK"], 30)

    def test_rule_channel_waits_for_the_streams_that_live_on(self):
        # Behind a balancer of streams a killed pod takes a third of each channel's streams; the others live on, so
        # nothing is made anew.
        summary = self.lose_a_pod("--like", "multiplex", *SOON, balance="stream", back=20)
        self.assertEqual(self.lost_with(summary, "pod-2"), 10)
        self.assertEqual(summary.total("stream_returns"), 0)
        self.assertEqual(summary.total("grpc_connections"), 3)
        self.assertEqual(summary.events("connection_lost"), [])

    def test_reconnect_never_leaves_what_is_lost(self):
        summary = self.lose_a_pod(*AT_ONCE, "--reconnect", "never", back=20)
        self.assertEqual(self.lost_with(summary, "pod-2"), 10)
        self.assertEqual(summary.total("stream_returns"), 0)
        self.assertEqual(summary.total("grpc_connections"), 3)
        self.assertEqual(summary.events("reconnected"), [])

    def test_a_channel_for_every_stream(self):
        summary = self.lose_a_pod("--channel-per-stream", "--streams", 6, *AT_ONCE, *SOON, back=6, streams=6)
        self.assertEqual(len(summary.channels), 6)
        self.assertEqual(self.lost_with(summary, "pod-2"), 2)
        self.assertEqual(summary.total("grpc_connections"), 8)


class OriginalClients(unittest.TestCase):
    """Which stream goes where, and what it says."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())

    def run_and_list(self, *flags):
        """(the run, {stream: (channel, messages)}) from --list-streams"""
        ran = lgen.multi_channel(self.server.target, "--list-streams", "--hold", "0.5s", *flags)
        self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
        listed = re.findall(r"^stream (\d+) +main\[(\d+)\]#1 +\S+ +[\d.]+s\.\.[\d.]+s +(\d+) messages  OK$", ran.stdout,
                            re.MULTILINE)
        return ran, {int(i): (int(channel), int(n)) for i, channel, n in listed}

    def test_channel_test_deals_streams_in_turn(self):
        ran, listed = self.run_and_list("--streams", 8, *AT_ONCE)
        self.assertEqual({i: c for i, (c, _) in listed.items()}, {1: 1, 2: 2, 3: 3, 4: 1, 5: 2, 6: 3, 7: 1, 8: 2})
        self.assertEqual(sum(n for _, n in listed.values()), ran.summary.total("grpc_messages_confirmed"))

    def test_multiplex_deals_streams_in_blocks(self):
        _, listed = self.run_and_list("--streams", 8, "--like", "multiplex")
        self.assertEqual({i: c for i, (c, _) in listed.items()}, {1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 2, 7: 3, 8: 3})

    def test_a_progress_bar_erases_nothing_of_the_listing(self):
        master, slave = pty.openpty()
        command = [binary("lgen"), lgen.MULTI_CHANNEL, "--target", self.server.target, "--list-streams", "--streams", "4",
                   "--hold", "0.5s", *AT_ONCE]
        with subprocess.Popen(command, stdout=slave, stderr=slave):
            os.close(slave)
            shown = read_all(master)
        self.assertRegex(shown, r"(?m)^\x1b\[\dA\r\x1b\[J.*streams \[", "no bar was drawn")
        self.assertEqual(len(re.findall(r"(?m)^(?:\x1b\[\dA\r\x1b\[J)?stream \d ", shown)), 4, shown)
        self.assertNotRegex(shown, r"stream \d [^\n]*\n\x1b\[\dA")

    def test_more_channels_than_streams(self):
        ran, listed = self.run_and_list("--streams", 2, "--channels", 4, *AT_ONCE)
        self.assertEqual({i: c for i, (c, _) in listed.items()}, {1: 1, 2: 2})
        self.assertIn("for 4 channels", ran.stdout)

    def test_texts_and_client_id_are_those_of_the_originals(self):
        for flags, text in [([], r"\[Stream 1\] This is message number 1"), (["--like", "multiplex"], "Msg num 1")]:
            with self.subTest(flags):
                ran, _ = self.run_and_list("--streams", 1, "--channels", 1, "--client-id", "me", "--trace", *flags)
                self.assertRegex(ran.stderr, f'channel_id = 1, client_id = "me", message = "{text}"')
                self.assertIn("[Client: me, Channel: 1]", " ".join(self.server.log()))


if __name__ == "__main__":
    unittest.main()
