"""The plans about pods that come and go, again and again on one cluster: does any run end otherwise than the first?

lgen-cluster runs all the time. Before each run its pods are as many as at the start; each run has to pass all of its
checks. What a run that fails has printed is kept.
"""

import argparse
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support", "py"))

SCALE = 24  # how fast the cluster's time runs
AGES = [("--max-connection-age=600s", "--max-connection-age=60s"),
        ("--max-connection-age-grace=60s", "--max-connection-age-grace=6s")]
PODS = 3    # when nothing happens

# (plan, its flags, what is ordered while it runs): pods come and go as an autoscaler wants them, or as they are told.
# The clients of readiness_probe keep their connections, which no preStop hook can drain: what a pod's end costs them has
# to be explained, and to be little.
PLANS = [
    ("hpa_ramp", ["--channel-per-stream", "--ramp", "2s", "--hold", "8s", "--down", "15s", "--age", "60s", "--grace",
                  "6s", "--interval", "0.2s", "--every", "0.5s", "--even", "1.3"], []),
    ("readiness_probe", ["--duration", "10s", "--timeout", "20s", "--slow", "10s", "--most-lost", "200"],
     [["rollout", "restart", "deployment/server"]]),
]


def manifests():
    from kube_cluster import data

    with open(data("ramp.yaml"), encoding="utf-8") as file:
        text = file.read()
    for old, new in AGES:
        text = text.replace(old, new)
    return text


def run_plan(plan, flags, orders, cluster):
    """(exit code, everything it printed, seconds)."""
    import lgen

    began = time.monotonic()
    with lgen.Run(os.path.join(ROOT, "plans", plan + ".lua"), "--target", cluster.address, "--metrics",
                  "sd+" + cluster.facts["sd"], *flags) as run:
        for order in orders:
            run.err.wait_for("calls made")
            cluster.order(*order)
        run.finish(300)
        return run.code, run.stdout + run.stderr, time.monotonic() - began


def soak(cluster, plans, times, kept):
    """How many runs have failed."""
    failed = 0
    print("  run  plan               exit  seconds")
    for number in range(1, times + 1):
        for plan, flags, orders in plans:
            cluster.wait_for_ready(PODS)
            code, text, seconds = run_plan(plan, flags, orders, cluster)
            print(f"  {number:3}  {plan:18} {code:4}  {seconds:7.1f}", flush=True)
            if code != 0:
                failed += 1
                os.makedirs(kept, exist_ok=True)
                with open(os.path.join(kept, f"{plan}.{number}.txt"), "w", encoding="utf-8") as file:
                    file.write(text)
    return failed


def main():
    names = [plan for plan, _, _ in PLANS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default="build/release/bin", help="folder of the programs [%(default)s]")
    parser.add_argument("--times", type=int, default=20, help="runs of each plan [%(default)s]")
    parser.add_argument("--plan", choices=names, action="append", help="only this one, and others so named")
    parser.add_argument("--keep", default="build/soak", help="folder for the output of runs that fail [%(default)s]")
    arguments = parser.parse_args()
    os.environ["LGEN_BIN_DIR"] = os.path.abspath(arguments.bin)
    from kube_cluster import KubeCluster  # needs LGEN_BIN_DIR

    plans = [row for row in PLANS if row[0] in (arguments.plan or names)]
    with KubeCluster(manifests(), scale=SCALE) as cluster:
        failed = soak(cluster, plans, arguments.times, arguments.keep)
        ended = [event for event in cluster.events("pod_crashed")]
    runs = arguments.times * len(plans)
    print(f"soak: {runs - failed} of {runs} runs passed, {len(ended)} pods crashed"
          + (f"; see {arguments.keep}" if failed else ""))
    sys.exit(1 if failed or ended else 0)


if __name__ == "__main__":
    main()
