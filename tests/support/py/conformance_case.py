"""What the conformance tests have in common."""

import collections
import unittest

from transports import books


class ConformanceCase(unittest.TestCase):
    maxDiff = None

    def check_books(self, runs):
        """Nothing is lost, and both have done the same."""
        for transport, run in runs.items():
            self.assertIsNotNone(run.summary, (transport, run.stderr))
            self.assertEqual(run.summary.json["conservation"], "", run.stdout)
        counts = {transport: books(run.summary) for transport, run in runs.items()}
        self.assertEqual(counts["grpc"], counts["h2"])

    def ended(self, run):
        """{(form, code, kind): count} of the plan's events."""
        events = run.summary.events("ended")
        return collections.Counter((event["form"], event["code"], event["kind"]) for event in events)
