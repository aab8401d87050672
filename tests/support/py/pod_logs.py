"""What a pod has written down about its streams: the sums of its log lines."""

import re

OPENED = re.compile(r"^(?:\[Client: .*, Channel: \d+\] )?Stream opened\. ")
CLOSED = re.compile(r"Stream closed normally(?: by client)?\. Processed (\d+) messages\.$")
CANCELLED = re.compile(r"Stream cancelled by client after (\d+) messages\.$")
FINISHED = re.compile(r"Stream finished\. ")


class PodLog:
    """opened, closed, cancelled, finished: streams; processed, interrupted: messages of the closed, of the cancelled."""

    def __init__(self, lines):
        closed = [int(m[1]) for m in map(CLOSED.search, lines) if m]
        cancelled = [int(m[1]) for m in map(CANCELLED.search, lines) if m]
        self.opened = sum(1 for line in lines if OPENED.search(line))
        self.finished = sum(1 for line in lines if FINISHED.search(line))
        self.closed, self.processed = len(closed), sum(closed)
        self.cancelled, self.interrupted = len(cancelled), sum(cancelled)
