"""Runs programs and reads what the kernel has accounted for them: CPU time and memory, never the clock on the wall."""

import os
import re
import statistics
import subprocess
import time


class Usage:
    """What one run of a program took: cpu and wall in seconds, peak in bytes, out is what it printed."""

    def __init__(self, cpu, wall, peak, out):
        self.cpu, self.wall, self.peak, self.out = cpu, wall, peak, out


def run(command):
    """Runs `command` to its end. Raises when it fails."""
    start = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True)
    out = process.stdout.read()
    process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit code {process.returncode}\n{out}")
    return Usage(used.ru_utime + used.ru_stime, wall, used.ru_maxrss * 1024, out)


def take_turns(runs, *commands):
    """A B A B ...: a list of Usages for each command."""
    return turns(runs, *[lambda command=command: run(command) for command in commands])


def turns(runs, *each):
    """The same with functions that give a Usage."""
    usages = [[] for _ in each]
    for _ in range(runs):
        for results, measured in zip(usages, each):
            results.append(measured())
    return usages


def count_instructions(command):
    """Those of one run, its start and end included, as valgrind counts them."""
    return under_callgrind(command)[0]


def under_callgrind(command, *figures):
    """The instructions of a run, and what else is to be found in what it prints."""
    out = run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]).out
    return [int(re.search(pattern, out)[1]) for pattern in (r"Collected : (\d+)", *figures)]


def median_cpu(usages):
    return statistics.median(usage.cpu for usage in usages)


def cpu_ratio(ours, others):
    """The median of the ratios of runs that stand side by side: what else the machine does changes slowly."""
    return statistics.median(mine.cpu / other.cpu for mine, other in zip(ours, others, strict=True))


def median_wall(usages):
    return statistics.median(usage.wall for usage in usages)


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^VmRSS:\s+(\d+) kB", file.read(), re.MULTILINE)[1]) * 1024


def cpu_seconds(pid):
    """User and system time of a running process so far, all its threads; good to 10 ms."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def schedule_switches(pid):
    """How often the process has been put on a CPU: an idle one is not."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[2])
    return total
