#!/usr/bin/python3
"""Runs the programs named in the file `jobs`, one a line, and records each servo tick of each run.

LinuxCNC starts this in place of a screen and ends when it ends. Each record goes to N.ticks, N the number of the
job from 0: sample number, X, Y, Z, speed, source line. Beside it N.error holds what LinuxCNC had to say, where
it said something.
"""
import os
import subprocess
import sys
import time

import linuxcnc

WAIT_S = 20.0

command = linuxcnc.command()
status = linuxcnc.stat()
errors = linuxcnc.error_channel()


def wait(what, is_done, seconds=WAIT_S):
    """Until a state of the controller is reached; False where the time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        status.poll()
        if is_done():
            return True
        time.sleep(0.002)
    print("no", what, "after", seconds, "s", file=sys.stderr, flush=True)
    return False


def complaints():
    """What has gone wrong since the last call."""
    found = []
    while True:
        entry = errors.poll()
        if not entry:
            return found
        kind, text = entry
        if kind in (linuxcnc.NML_ERROR, linuxcnc.OPERATOR_ERROR):
            found.append(text)


def bring_up():
    """Power, homes, automatic mode."""
    command.state(linuxcnc.STATE_ESTOP_RESET)
    command.wait_complete()
    command.state(linuxcnc.STATE_ON)
    command.wait_complete()
    if not wait("power", lambda: status.task_state == linuxcnc.STATE_ON):
        return False
    command.mode(linuxcnc.MODE_MANUAL)
    command.wait_complete()
    command.teleop_enable(0)
    command.wait_complete()
    command.home(-1)
    return wait("home", lambda: all(status.homed[:3]))


def to_home():
    """Modes as at power-on, and all axes at zero, before each job."""
    command.mode(linuxcnc.MODE_MDI)
    command.wait_complete()
    for line in ("G17 G21 G40 G49 G54 G64 G80 G90 G94 G92.1", "G10 L2 P1 X0 Y0 Z0 R0", "G53 G0 X0 Y0 Z0", "M5 M9 F0"):
        command.mdi(line)
        command.wait_complete(WAIT_S)
    return wait("rest", lambda: status.interp_state == linuxcnc.INTERP_IDLE and status.inpos)


def sampling(on):
    """The sampler fills its queue only while somebody empties it."""
    subprocess.run(["halcmd", "setp", "sampler.0.enable", "1" if on else "0"], check=True)


def run(number, program, limit_s):
    """One job under the sampler."""
    complaints()
    ok = to_home()
    command.mode(linuxcnc.MODE_AUTO)
    command.wait_complete()
    command.program_open(program)
    command.wait_complete()
    with open(f"{number}.ticks", "w") as out:
        sampler = subprocess.Popen(["halsampler", "-t"], stdout=out)
        sampling(True)
        time.sleep(0.2)
        command.auto(linuxcnc.AUTO_RUN, 0)
        wait("start", lambda: status.interp_state != linuxcnc.INTERP_IDLE, 5.0)
        ended = wait("end", lambda: status.interp_state == linuxcnc.INTERP_IDLE and status.inpos, limit_s)
        if not ended:
            command.abort()
            command.wait_complete()
        time.sleep(0.3)
        sampling(False)
        time.sleep(0.2)
        sampler.terminate()
        sampler.wait()
    found = complaints()
    if found or not (ok and ended):
        with open(f"{number}.error", "w") as out:
            out.write("\n".join(found) or "it did not come to its end in time")


def main():
    with open("jobs") as jobs:
        programs = [line.rstrip("\n").split("\t") for line in jobs]
    time.sleep(0.5)
    if not bring_up():
        return 1
    for number, (limit_s, program) in enumerate(programs):
        run(number, program, float(limit_s))
        print("ran", os.path.basename(program), flush=True)
    return 0


sys.exit(main())
