"""Pictures of answers: what is drawn where."""

import numpy as np

from pipeline.pictures.answers import GAP, SIDE, UNKNOWN, draw_matched, draw_mesh


def _at(picture, x, y):
    return tuple(int(value) for value in picture[round(y - 0.5), round(x - 0.5)])


def test_points_lie_where_they_are_and_their_colour_says_how_sure_they_are():
    a, b = np.full((320, 640, 3), 90, np.uint8), np.full((640, 320, 3), 90, np.uint8)
    points_a = np.array([[100.5, 50.5], [300.5, 200.5], [500.5, 100.5]])
    points_b = np.array([[50.5, 600.5], [250.5, 300.5], [300.5, 30.5]])
    drawn = draw_matched(a, b, points_a, points_b, np.array([0.0, 1.0, np.nan]))
    assert drawn.shape == (640, 640 + GAP + 320, 3)
    for (x, y), (u, v), colour in zip(points_a, points_b, [(230, 40, 50), (40, 200, 50), UNKNOWN], strict=True):
        assert _at(drawn, x, y) == colour
        assert _at(drawn, u + 640 + GAP, v) == colour
    # The photographs' own pixels are kept elsewhere, and what has no photograph is white.
    assert _at(drawn, 10, 10) == (90, 90, 90) and _at(drawn, 10, 630) == (255, 255, 255)


def test_an_improbable_match_has_no_line():
    image = np.full((SIDE, SIDE, 3), 90, np.uint8)
    point = np.array([[20.5, 320.5]])
    halfway = [
        _at(draw_matched(image, image, point, point + [600, 0], np.array([probability])), 400, 320.5)
        for probability in (0.2, 0.9)
    ]
    assert halfway[0] == (90, 90, 90) and halfway[1] != (90, 90, 90)


def test_the_nearer_of_two_triangles_is_drawn_over_the_other_and_a_back_face_is_not():
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    # Clockwise in pixels is counter-clockwise where y points up; the last one is turned away.
    corners = np.array([[100, 100], [100, 500], [500, 100]], float)
    pixels = np.concatenate([corners, corners, corners + 100])
    faces = np.array([[0, 1, 2], [3, 4, 5], [6, 8, 7]])
    colours = np.repeat(np.eye(3), 3, 0)
    depth = np.repeat([2.0, 1.0, 0.0], 3)
    drawn = draw_mesh(image, pixels, depth, faces, colours)
    left, right = _at(drawn, 200, 200), _at(drawn, SIDE + GAP + 200, 200)
    assert left == (0, 0, 0)
    assert right[1] > 100 and right[0] == right[2] == 0
