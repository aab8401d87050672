"""Debian's Prometheus as a peer: scrapes what it is told to, and answers PromQL."""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.parse

from programs import Program, http_get
from waiting import PATIENCE_SECONDS, eventually, free_port

CONFIGURATION = """
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
scrape_configs:
"""


class Prometheus(Program):
    """`targets`: {job: "127.0.0.1:9465"}, or {job: [(address, {label: value}), …]}; `rules`: groups of rules. Answers
    when constructed."""

    def __init__(self, targets, rules=()):
        self.folder = tempfile.mkdtemp(prefix="lgen-prometheus-")
        path = os.path.join(self.folder, "prometheus.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION)
            for job, addresses in targets.items():
                labelled = [(addresses, {})] if isinstance(addresses, str) else addresses
                static = [{"targets": [address], "labels": labels} for address, labels in labelled]
                file.write(f"  - {json.dumps({'job_name': job, 'static_configs': static})}\n")
            file.write("rule_files: [ rules.json ]\n")
        with open(os.path.join(self.folder, "rules.json"), "w", encoding="utf-8") as file:
            json.dump({"groups": list(rules)}, file)
        self.url = f"http://127.0.0.1:{free_port()}"
        super().__init__(["prometheus", f"--config.file={path}", f"--storage.tsdb.path={self.folder}/data",
                          f"--web.listen-address={self.url.removeprefix('http://')}", "--log.level=warn"])
        eventually(self.is_ready, "Prometheus")

    def __exit__(self, *details):
        super().__exit__(*details)
        shutil.rmtree(self.folder, ignore_errors=True)

    def is_ready(self):
        try:
            return http_get(f"{self.url}/-/ready")[0] == 200
        except OSError:
            return False

    def query(self, promql):
        """[(labels, value), …] of an instant vector."""
        status, body, _ = http_get(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': promql})}")
        if status != 200:
            raise AssertionError(f"{promql}: {body}")
        return [(row["metric"], float(row["value"][1])) for row in json.loads(body)["data"]["result"]]

    def number(self, promql):
        """The value of a query with one answer; None: it has none."""
        rows = self.query(promql)
        if len(rows) > 1:
            raise AssertionError(f"{promql}: {rows}")
        return rows[0][1] if rows else None


def promtool_check(page):
    """What `promtool check metrics` has to say; "" is nothing."""
    done = subprocess.run(["promtool", "check", "metrics"], input=page, text=True, capture_output=True,
                          timeout=PATIENCE_SECONDS, check=False)
    return (done.stdout + done.stderr).strip() if done.returncode else ""
