"""Prints, for each pose of the tip, the least distance in mm between the parts of a tool and a mesh; at most 0 where
they meet. Arguments: a binary STL, a file of parts, a file of poses."""

import struct
import sys

import coal
import numpy


def read_mesh(path):
    with open(path, "rb") as file:
        data = file.read()
    (count,) = struct.unpack_from("<I", data, 80)
    index, points, triangles = {}, [], []
    for number in range(count):
        values = struct.unpack_from("<9f", data, 84 + 50 * number + 12)
        corners = []
        for corner in range(3):
            point = values[3 * corner : 3 * corner + 3]
            if point not in index:
                index[point] = len(points)
                points.append(point)
            corners.append(index[point])
        triangles.append(corners)
    mesh = coal.BVHModelOBBRSS()
    mesh.beginModel(len(triangles), len(points))
    vertices = coal.StdVec_Vec3s()
    for point in points:
        vertices.append(numpy.array(point, dtype=float))
    faces = coal.StdVec_Triangle()
    for a, b, c in triangles:
        faces.append(coal.Triangle(a, b, c))
    mesh.addSubModel(vertices, faces)
    mesh.endModel()
    return mesh


def read_parts(path):
    parts = []
    for line in open(path):
        kind, *numbers = line.split()
        radius, low, high = map(float, numbers)
        if kind == "cylinder":
            parts.append((coal.Cylinder(radius, high - low), (low + high) / 2))
        else:
            parts.append((coal.Sphere(radius), low))
    return parts


def main():
    mesh, parts = read_mesh(sys.argv[1]), read_parts(sys.argv[2])
    home = coal.Transform3s()
    for line in open(sys.argv[3]):
        tip = numpy.array([float(word) for word in line.split()])
        least = float("inf")
        for shape, height in parts:
            place = coal.Transform3s(numpy.eye(3), tip + numpy.array([0.0, 0.0, height]))
            touching = coal.collide(shape, place, mesh, home, coal.CollisionRequest(), coal.CollisionResult())
            if touching:
                least = 0.0
                break
            least = min(least, coal.distance(shape, place, mesh, home, coal.DistanceRequest(), coal.DistanceResult()))
        print(least)


main()
