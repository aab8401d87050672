"""Ten minutes of calls at full speed against lgen-server: the memory of lgen must be flat after the first tenth.

Flat: no later tenth's median lies more than 6 MiB above the first one's, else it exits 1. The report's time line takes 7
to 9 KiB a second until it is full, at 2 million points and buckets or 5 MiB; a byte lost per call would take 20 MiB in
ten minutes. What hours do is in plan_memory_test.cc, on a manual clock. The peak with the report is printed, too; it
decides nothing.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support", "py"))

PARTS = 10
ALLOWED_KIB = 6 * 1024


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next((int(line.split()[1]) for line in status if line.startswith("VmRSS:")), 0)


def start_lgen(bin_dir, target, seconds):
    plan = os.path.join(HERE, "soak.lua")
    return subprocess.Popen([os.path.join(bin_dir, "lgen"), plan, "--target", target, "--length", f"{seconds}s"])


def sample(lgen, seconds):
    """The median resident set of every tenth of the run, in KiB, printed as they come."""
    print("  tenth   median RSS")
    medians = []
    for part in range(PARTS):
        samples = []
        end = time.monotonic() + seconds / PARTS
        while time.monotonic() < end and lgen.poll() is None:
            samples.append(resident_kib(lgen.pid))
            time.sleep(min(0.2, seconds / PARTS / 10))
        if not samples or lgen.poll() is not None:
            break
        medians.append(statistics.median(samples))
        print(f"  {part + 1:5}   {medians[-1] / 1024:7.1f} MiB", flush=True)
    return medians


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default="build/release/bin", help="folder of lgen and lgen-server [%(default)s]")
    parser.add_argument("--seconds", type=float, default=600, help="how long [%(default)s]")
    arguments = parser.parse_args()
    os.environ["LGEN_BIN_DIR"] = os.path.abspath(arguments.bin)
    from programs import Server  # needs LGEN_BIN_DIR

    with Server() as server, start_lgen(arguments.bin, server.target, arguments.seconds) as lgen:
        medians = sample(lgen, arguments.seconds)
        lgen.wait()
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of lgen alone: the server has not ended yet
    if lgen.returncode != 0 or len(medians) < PARTS - 1:
        sys.exit(f"soak: lgen ended with {lgen.returncode}")
    flat = max(medians[1:]) <= medians[0] + ALLOWED_KIB
    print(f"soak: {'flat' if flat else 'GROWING'}: {medians[0] / 1024:.1f} MiB in the first tenth, "
          f"at most {max(medians[1:]) / 1024:.1f} MiB later, {peak / 1024:.1f} MiB while the report was made")
    sys.exit(0 if flat else 1)


if __name__ == "__main__":
    main()
