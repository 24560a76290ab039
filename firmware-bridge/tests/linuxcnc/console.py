#!/usr/bin/python3
"""The operator's hands on LinuxCNC: one command a line on standard input, one answer a line on standard output."""
import sys
import time

import linuxcnc

command = linuxcnc.command()
status = linuxcnc.stat()
errors = linuxcnc.error_channel()
STATES = {
    "estop": linuxcnc.STATE_ESTOP,
    "reset": linuxcnc.STATE_ESTOP_RESET,
    "on": linuxcnc.STATE_ON,
    "off": linuxcnc.STATE_OFF,
}
MODES = {"manual": linuxcnc.MODE_MANUAL, "auto": linuxcnc.MODE_AUTO, "mdi": linuxcnc.MODE_MDI}


def wait(is_done, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        status.poll()
        if is_done():
            return "ok"
        time.sleep(0.002)
    return "not in time"


def home():
    command.mode(linuxcnc.MODE_MANUAL)
    command.wait_complete()
    command.teleop_enable(0)
    command.wait_complete()
    command.home(-1)
    return wait(lambda: all(status.homed[:3]))


def complaints():
    found = []
    while True:
        entry = errors.poll()
        if not entry:
            return "; ".join(found).replace("\n", " ") or "none"
        if entry[0] in (linuxcnc.NML_ERROR, linuxcnc.OPERATOR_ERROR):
            found.append(entry[1])


def do(word, rest):
    if word == "state":
        command.state(STATES[rest])
        command.wait_complete()
    elif word == "mode":
        command.mode(MODES[rest])
        command.wait_complete()
    elif word == "home":
        return home()
    elif word == "open":
        command.program_open(rest)
        command.wait_complete()
    elif word == "run":
        command.auto(linuxcnc.AUTO_RUN, 0)
    elif word == "pause":
        command.auto(linuxcnc.AUTO_PAUSE)
    elif word == "resume":
        command.auto(linuxcnc.AUTO_RESUME)
    elif word == "abort":
        command.abort()
        command.wait_complete()
    elif word == "mdi":
        command.mdi(rest)
        command.wait_complete(20.0)
    elif word == "dial":
        command.feedrate(float(rest))
    elif word == "dial?":
        status.poll()
        return str(status.feedrate)
    elif word == "tools":
        command.load_tool_table()
        command.wait_complete()
    elif word == "idle":
        return wait(lambda: status.interp_state == linuxcnc.INTERP_IDLE and status.inpos)
    elif word == "complaints":
        return complaints()
    else:
        return "no such command"
    return "ok"


for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    print(do(word, rest), flush=True)
