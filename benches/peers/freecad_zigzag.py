# Run by `peers speed` inside freecadcmd: the zigzag through FreeCAD's path simulator, moves a second of processor time.
import math
import os
import time

import FreeCAD
import Part
import Path
import PathSimulator

SHAPE, SLOPE = os.environ["ZIGZAG"].split()
CELL_MM = 0.1


def z(x, y):
    return -2.0 - math.sin(0.1 * x) * math.cos(0.1 * y) if SLOPE == "sloped" else -2.0


if SHAPE == "ball":
    sphere = Part.makeSphere(5, FreeCAD.Vector(0, 0, 5))
    tool = sphere.fuse(Part.makeCylinder(5, 30, FreeCAD.Vector(0, 0, 5)))
else:
    tool = Part.makeCylinder(5, 30)
simulator = PathSimulator.PathSim()
simulator.BeginSimulation(Part.makeBox(100, 100, 20, FreeCAD.Vector(0, 0, -20)), CELL_MM)
simulator.SetToolShape(tool, CELL_MM)


def commands(rows):
    for row in rows:
        for column in range(101):
            x = float(column if row % 2 == 0 else 100 - column)
            yield Path.Command("G1", {"X": x, "Y": float(row), "Z": z(x, float(row))})


place = FreeCAD.Placement(FreeCAD.Vector(0, 0, 5), FreeCAD.Rotation())
for command in commands(range(20)):
    place = simulator.ApplyCommand(place, command)
measured = list(commands(range(20, 50)))
began = time.process_time()
for command in measured:
    place = simulator.ApplyCommand(place, command)
print("moves_per_second", len(measured) / (time.process_time() - began))
