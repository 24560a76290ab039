#!/usr/bin/python3
"""Tells the co-simulation's agent what only LinuxCNC's task knows. Reads, never writes.

One line of JSON a report, on standard output or to whoever connects to a socket: when something has changed, and at
least every --quiet-ms. No command channel is opened. Neither is the error channel: it is a queue, and what is read
here the operator's screen would not show.
"""
import argparse
import json
import os
import select
import signal
import socket
import sys
import time

import linuxcnc

VERSION = 1


def pose(values):
    return [round(value, 9) for value in values]


def tool_row(status):
    """The row of the tool in the spindle, which LinuxCNC keeps first."""
    number = status.tool_in_spindle
    for row in status.tool_table[:1000]:
        if row.id == number and number > 0:
            offsets = [getattr(row, axis + "offset") for axis in "xyzabcuvw"]
            return {"number": row.id, "diameter": row.diameter, "offsets": pose(offsets)}
    return None


def report(status):
    """What is told, apart from number and time."""
    return {
        "mode": status.task_mode,
        "interp": status.interp_state,
        "exec": status.exec_state,
        "state": status.task_state,
        "paused": bool(status.task_paused),
        "dial": status.feedrate,
        "rapid": status.rapidrate,
        "dial_on": bool(status.feed_override_enabled),
        "adaptive_on": bool(status.adaptive_feed_enabled),
        "hold_on": bool(status.feed_hold_enabled),
        "g": list(status.gcodes),
        "m": list(status.mcodes),
        "motion_line": status.motion_line,
        "read_line": status.read_line,
        "file": status.file,
        "tool": status.tool_in_spindle,
        "row": tool_row(status),
        "g5x": status.g5x_index,
        "g5x_offset": pose(status.g5x_offset),
        "g92_offset": pose(status.g92_offset),
        "rotation": status.rotation_xy,
        "tool_offset": pose(status.tool_offset),
        "units_per_mm": status.linear_units,
    }


class Output:
    """Standard output, or one connection at a time to a socket. A reader that is slow is cut off: it comes again."""

    def __init__(self, path):
        self.peer = None
        self.server = None
        if path:
            if os.path.exists(path):
                os.unlink(path)
            self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            old = os.umask(0o177)
            self.server.bind(path)
            os.umask(old)
            self.server.listen(1)
            self.server.setblocking(False)

    def fresh(self):
        """True where somebody has come who has heard nothing yet."""
        if not self.server or not select.select([self.server], [], [], 0)[0]:
            return False
        if self.peer:
            self.peer.close()
        self.peer, _ = self.server.accept()
        self.peer.setblocking(False)
        return True

    def send(self, line):
        if not self.server:
            sys.stdout.write(line)
            sys.stdout.flush()
        elif self.peer:
            data = line.encode()
            try:
                if self.peer.send(data) != len(data):
                    raise OSError("reader is behind")
            except OSError:
                self.peer.close()
                self.peer = None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--socket", help="Unix socket to listen on; standard output without it")
    parser.add_argument("--period-ms", type=float, default=5.0, help="time between two looks")
    parser.add_argument("--quiet-ms", type=float, default=100.0, help="longest time without a report")
    options = parser.parse_args()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    status = linuxcnc.stat()
    output = Output(options.socket)
    last, told_at, number = None, 0.0, 0
    while True:
        try:
            status.poll()
        except linuxcnc.error:
            # LinuxCNC has ended: so does this.
            return 0
        now = time.monotonic()
        told = report(status)
        # The place of the reader moves all the time and is no news.
        news = {key: value for key, value in told.items() if key != "read_line"}
        if output.fresh() or news != last or now - told_at >= options.quiet_ms / 1000.0:
            number += 1
            output.send(json.dumps({"v": VERSION, "n": number, **told}, separators=(",", ":")) + "\n")
            last, told_at = news, now
        if os.getppid() == 1 and not output.server:
            return 0
        time.sleep(options.period_ms / 1000.0)


sys.exit(main())
