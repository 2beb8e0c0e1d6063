"""The pages in a real browser, opened from disk."""

import shutil

import numpy as np
import pytest
import torch

from pipeline.base.files import write_text
from pipeline.evaluation.result import read_points
from pipeline.gallery.category import category_page
from pipeline.gallery.overview import write_overview
from pipeline.gallery.points import annotated_keypoints
from pipeline.matching.transfer import nearest_visible_vertex
from pipeline.photographs.crops import to_crop
from pipeline.photographs.lists import read_pairs
from pipeline.prediction.predictions import read_predictions
from support.finished_run import finished_run
from support.scored_world import CATEGORY, CELL, crop_of

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"there is none of {', '.join(BROWSERS)}")
# WebGL without a GPU.
ARGUMENTS = ["--use-gl=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist", "--no-sandbox"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    workspace = finished_run(tmp_path_factory.mktemp("run"), gallery__vertices=40)
    write_text(workspace.page(CATEGORY), category_page(workspace, CATEGORY))
    write_overview(workspace)
    return workspace


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A page whose errors, and whose requests to anything but a file, fail the test."""
    problems: list[str] = []
    page = browser.new_page(viewport={"width": 1300, "height": 1200})
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: _local(request.url) or problems.append(request.url))
    yield page
    page.close()
    assert problems == []


def _local(url: str) -> bool:
    return url.startswith(("file:", "data:", "blob:"))


def opened(page, path):
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    return page


def keypoint(workspace, image):
    """Name and place of the first keypoint of an image, in crop coordinates."""
    found = annotated_keypoints(read_pairs(workspace.pairs(CATEGORY)).pairs)[image]
    name = sorted(found)[0]
    return name, to_crop(found[name], crop_of(image, workspace.params))


def click_at(page, selector, place):
    box = page.locator(selector).bounding_box()
    page.mouse.click(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])


def test_a_click_at_a_keypoint_lights_up_its_vertex_and_its_matches(page, workspace):
    opened(page, workspace.page(CATEGORY))
    name, place = keypoint(workspace, "a")
    click_at(page, "#source", (0.99, 0.99))
    assert f"keypoint {name}" not in page.inner_text("#said")
    click_at(page, "#source", place)
    assert f"a: keypoint {name}" in page.inner_text("#said")
    predictions = read_predictions(workspace.predictions(CELL))
    mesh = predictions.images["a"].projection.to_crop(crop_of("a", workspace.params))
    vertex = int(nearest_visible_vertex(torch.from_numpy(place)[None], mesh)[0])
    assert page.get_attribute("#template", "data-vertex") == str(vertex)
    scored = read_points(workspace.evaluation(CELL))
    scored = scored[(scored["method"] == "search") & (scored["source"] == "a") & (scored["keypoint"] == name)]
    for target in ("b", "c"):
        tile = page.locator(f'#tiles figure[data-name="{target}"]')
        shown = [float(tile.get_attribute(f"data-{axis}")) for axis in "xy"]
        one = scored[scored["target"] == target].iloc[-1]
        np.testing.assert_allclose(
            shown, to_crop(one[["x", "y"]].to_numpy(float), crop_of(target, workspace.params)), atol=2e-4
        )
        assert "right, off by 0 %" in tile.inner_text()


def test_another_photograph_becomes_the_source_by_a_click_and_by_the_keyboard(page, workspace):
    opened(page, workspace.page(CATEGORY))
    name, place = keypoint(workspace, "b")
    click_at(page, '#tiles figure[data-name="b"] canvas', place)
    assert page.inner_text("#source-name").startswith("b")
    assert page.locator("#keypoints button[aria-pressed=true]").inner_text() == name
    before = page.inner_text("#said")
    page.focus("#source")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#said") != before
    page.focus('#tiles figure[data-name="c"] canvas')
    page.keyboard.press("Enter")
    assert page.inner_text("#source-name").startswith("c")


def test_rows_views_and_colours_change_what_is_shown(page, workspace):
    opened(page, workspace.page(CATEGORY))
    page.check("input[value=nearest_neighbour]")
    assert "sure" not in page.inner_text("#tiles")
    page.select_option("#other", "ours")
    picture = "() => document.getElementById('source').toDataURL()"
    before = page.evaluate(picture)
    page.select_option("#view", "mesh")
    drawn = page.evaluate(picture)
    assert drawn != before
    for colour in ("albedo", "features", "error"):
        page.select_option("#colour", colour)
        assert page.evaluate(picture) != drawn
        drawn = page.evaluate(picture)
    page.fill("#morph", "1")
    for order in ("probability", "error", "name"):
        page.select_option("#sort", order)
        assert page.locator("#tiles figure").count() == 2


def test_a_vertex_of_the_template_is_chosen_by_the_mouse(page, workspace):
    opened(page, workspace.page(CATEGORY))
    page.locator("#keypoints button").first.click()
    before = page.inner_text("#said")
    box = page.locator("#template").bounding_box()
    for share in (0.45, 0.55):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"])
        page.wait_for_timeout(500)
    assert page.inner_text("#said") != before


def test_the_overview_shows_the_table_and_leads_to_the_category(page, workspace):
    opened(page, workspace.overview)
    assert "Ours (simulated)" in page.locator("table.results").first.inner_text()
    assert "Simulated" in page.inner_text("header")
    page.click(".cards a")
    page.wait_for_selector("body[data-ready]")
    assert page.inner_text("h1") == CATEGORY


@pytest.mark.parametrize("name", ["overview", "category"])
def test_pages_fit_a_telephone_and_have_a_dark_side(page, workspace, name):
    path = workspace.overview if name == "overview" else workspace.page(CATEGORY)
    page.set_viewport_size({"width": 400, "height": 800})
    opened(page, path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    background = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.click("#theme")
    assert page.evaluate(background) != light


def test_everything_that_can_be_operated_has_a_name(page, workspace):
    for path in (workspace.overview, workspace.page(CATEGORY)):
        opened(page, path)
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll('button, select, input, a[href], canvas[tabindex], img')].filter(
            (one) => !(one.innerText || one.alt || one.getAttribute('aria-label') || one.closest('label')?.innerText)
            ).length"""
        )
        assert unnamed == 0
