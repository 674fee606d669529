"""Run one command and tell what it took, as JSON.

A process of its own, and a small one: the system counts the memory of the parent at the moment of
the start as the child's. Usage: `python -I -S launcher.py REPORT FOLDER COMMAND ...`; FOLDER is
watched for the room its files take. Only the standard library.
"""

import json
import os
import subprocess
import sys
import threading
import time

SECONDS_BETWEEN_LOOKS = 0.25
BLOCK_BYTES = 512  # of ru_oublock and st_blocks
RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


def bytes_below(folder: str) -> int:
    """Room that the files below a folder take on the disk; files may vanish meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_blocks * BLOCK_BYTES
            except OSError:
                continue
    return total


def measured(command: list[str], folder: str) -> dict[str, float]:
    """Wall and CPU time [s], peak memory, bytes written, and most room taken of the command."""
    most = before = bytes_below(folder)
    ended = threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            most = max(most, bytes_below(folder))

    watcher = threading.Thread(target=watch)
    start = time.perf_counter()
    process = subprocess.Popen(command)  # noqa: S603 - the caller's own command
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    ended.set()
    watcher.join()
    return {
        "exit_code": process.returncode,
        "wall_s": wall_s,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_memory_bytes": usage.ru_maxrss * RSS_UNIT_BYTES,
        "written_bytes": usage.ru_oublock * BLOCK_BYTES,
        "peak_disk_bytes": max(most, bytes_below(folder)) - before,
    }


if __name__ == "__main__":
    report = measured(sys.argv[3:], sys.argv[2])
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(report, file)
