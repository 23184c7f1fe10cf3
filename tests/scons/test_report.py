"""`scons models-report`: one page that needs nothing but itself, in a real browser too."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from array import array
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from scons_project import CONFIG, SCONSTRUCT

if TYPE_CHECKING:
    from pathlib import Path

    from scons_project import Project

PAGE, STATE = "build/models.report.html", "build/models.report.json"
TRAINED = "env.MSLiteModel('build/trained.ms', 'models/trained.mindir', MSLITE_TRAIN=True)\n"


@pytest.fixture(scope="module")
def reported_once(tmp_path_factory: pytest.TempPathFactory, first_build: Project) -> Project:
    """A quantized LeNet and a trainable one, reported; not to be touched."""
    project = first_build.copy(tmp_path_factory.mktemp("reported") / "project")
    project.model("models/trained.mindir", "lenet_adam_sparse")
    project.write("SConstruct", SCONSTRUCT + TRAINED)
    ran = project.build("models-report")
    assert ran.out.splitlines()[-1] == f"REPORT {PAGE}"
    assert ran.err == ""
    return project


@pytest.fixture
def reported(reported_once: Project, tmp_path: Path) -> Project:
    return reported_once.copy(tmp_path / "copy")


def _text(project: Project) -> str:
    return (project.path / PAGE).read_text(encoding="utf-8")


def _section(text: str, title: str) -> str:
    """What stands under a heading, without markup."""
    return re.sub(r"<[^>]+>", " ", text.split(f">{title}</h", 1)[1].split("<h", 1)[0])


def test_page_says_what_a_firmware_team_asks(reported_once: Project) -> None:
    text = _text(reported_once)
    assert re.findall(r'<h2 id="name-\d+">(.*?)</h2>', text) == ["build/lenet.ms", "build/trained.ms"]
    assert text.count('<svg class="treemap"') == text.count('<svg class="memory"') == 2
    assert text.count('<svg class="graph"') == 2
    assert "This is the first report" in text
    assert "parameter &#x27;global_step&#x27; is read by nothing" in text
    errors = _section(text, "Quantization error")
    assert "fc1.weight" in errors
    assert 30 < float(re.findall(r"([\d.]+) dB", errors)[0]) < 60
    assert "moment1.conv1.weight: " in text


def test_biases_of_quantized_layers_are_measured_as_the_numbers_they_stand_for(project: Project) -> None:
    """They were taken for the integers that are stored, and shown with an error of -100 dB."""
    data = "[data_preprocess_param]\ncalibrate_path=x:samples\ncalibrate_size=1\ninput_type=BIN\n"
    project.write("models/lenet.cfg", "[common_quant_param]\nquant_type=FULL_QUANT\n" + data)
    (project.path / "models/samples").mkdir()
    pictures = array("f", ((at * 37 % 101) / 101 for at in range(4 * 32 * 32)))
    (project.path / "models/samples/0.bin").write_bytes(pictures.tobytes())
    project.build("models-report")
    errors = _section(_text(project), "Quantization error")
    assert "fc1.bias" in errors
    assert min(float(decibels) for decibels in re.findall(r"(-?[\d.]+) dB", errors)) > 20


def test_page_loads_nothing_from_anywhere(reported_once: Project) -> None:
    text = _text(reported_once)
    assert re.findall(r"\b(?:src|srcset|data|action|poster)=", text) == []
    assert all(link.startswith("#") for link in re.findall(r'href="([^"]*)"', text))
    assert re.findall(r"@import|url\(|https?:|<link|<iframe|<object|style=", text) == []
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)
    assert policy is not None
    for kind in ("style", "script"):
        [content] = re.findall(f"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy[1]
    assert policy[1].startswith("default-src 'none'; ")


class Outline(HTMLParser):
    """Headings, identifiers and open elements of a page."""

    VOID = ("meta", "br", "rect", "path", "line")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.levels: list[int] = []
        self.identifiers: list[str] = []
        self.unnamed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if "id" in named:
            self.identifiers.append(named["id"] or "")
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag in {"svg", "table"} and not named.get("aria-label") and named.get("aria-hidden") != "true":
            self.unnamed.append(tag)
        if tag == "th":
            assert named.get("scope")
        if tag not in self.VOID or tag == "rect":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing stays open."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_well_formed_and_has_names_for_screen_readers(reported_once: Project) -> None:
    outline = Outline()
    outline.feed(_text(reported_once))
    assert outline.open == []
    assert outline.unnamed == []
    assert len(set(outline.identifiers)) == len(outline.identifiers)
    assert outline.levels[0] == 1
    assert all(after - before <= 1 for before, after in zip(outline.levels, outline.levels[1:], strict=False))
    assert '<html lang="en">' in _text(reported_once)


def test_page_is_the_same_in_every_checkout(reported: Project, tmp_path: Path) -> None:
    other = reported.copy(tmp_path / "elsewhere")
    for name in (PAGE, STATE):
        (other.path / name).unlink()
    other.build("models-report")
    assert _text(other) == _text(reported)


def test_page_says_what_changed_and_still_says_it_later(reported: Project) -> None:
    reported.write("models/lenet.cfg", CONFIG.replace("min_quant_weight_size=0", "min_quant_weight_size=5000"))
    reported.write("SConstruct", SCONSTRUCT)
    reported.build("models-report")
    changed = _section(_text(reported), "What changed")
    assert re.search(r"build/lenet.ms\s+option quant.min_quant_weight_size\s+0\s+5000", changed)
    assert re.search(r"build/lenet.ms\s+bytes", changed)
    assert re.search(r"build/trained.ms\s+model\s+removed", changed)
    before = _text(reported)
    reported.build("models-report")
    assert _text(reported) == before


def test_state_that_is_rubbish_is_like_none(reported: Project) -> None:
    reported.write(STATE, "[7]")
    reported.build("models-report")
    assert "This is the first report" in _text(reported)


def test_names_are_data_whatever_they_look_like(project: Project) -> None:
    name = "<script>alert(1)&"
    project.write("SConstruct", SCONSTRUCT.replace("build/lenet.ms", f"build/{name}.ms"))
    project.build("models-report")
    assert "<script>alert" not in _text(project)
    assert "build/&lt;script&gt;alert(1)&amp;.ms" in _text(project)


def test_damaged_model_is_named(reported: Project) -> None:
    reported.write("build/lenet.ms", "damaged")
    ran = reported.run("models-report")
    assert ran.code == 2
    assert "scons: *** [models-report] build/lenet.ms: error[E310]" in ran.err
    assert "Traceback" not in ran.err


def test_damaged_manifest_is_named(reported: Project) -> None:
    reported.write("build/models.json", "{")
    ran = reported.run("models-report")
    assert ran.code == 2
    assert "scons: *** [models-report] build/models.json: error[E501]: damaged after it was built" in ran.err
    assert "Traceback" not in ran.err


def test_source_that_is_gone_costs_the_quantization_errors_only(reported: Project) -> None:
    """A manifest and its models may be looked at on a machine without the sources."""
    manifest = (reported.path / "build/models.json").read_text(encoding="utf-8")
    reported.write("build/models.json", manifest.replace("models/lenet.mindir", "models/gone.mindir"))
    text = _report_alone(reported)
    assert "Quantization error" not in text
    assert '<h2 id="name-0">build/lenet.ms</h2>' in text


def _report_alone(project: Project) -> str:
    command = [sys.executable, "-m", "converter.tools.report_page", str(project.path / "build/models.json")]
    command += ["--page", str(project.path / PAGE), "--state", str(project.path / STATE), "--top", str(project.path)]
    subprocess.run(command, cwd=project.tree, check=True)
    return _text(project)


def test_build_without_report_makes_none_and_cleaning_removes_it(reported: Project) -> None:
    assert reported.run("-n", "models-report").out.splitlines()[-1].endswith(PAGE)
    reported.build("-c", "models")
    assert not (reported.path / PAGE).exists()
    assert not (reported.path / STATE).exists()
    reported.build()
    assert not (reported.path / PAGE).exists()


# -- in a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> str:
    """Chromium, which CI demands with MSLITE_REQUIRE_BROWSER=1 and which is optional elsewhere."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        message = "chromium is not installed (Debian package chromium)"
        assert os.environ.get("MSLITE_REQUIRE_BROWSER") != "1", message
        pytest.skip(message)
    return path


def _browse(browser: str, page: Path, *words: str) -> subprocess.CompletedProcess[str]:
    profile = page.with_name("profile")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={profile}",
        "--hide-scrollbars",
    ]
    # No name resolves: a page that loads something fails here.
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", *words, page.as_uri()]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=120)


def test_page_works_from_a_file_in_a_browser(reported: Project, browser: str) -> None:
    ran = _browse(browser, reported.path / PAGE, "--dump-dom")
    assert ":CONSOLE" not in ran.stderr
    [button] = re.findall(r'<button id="theme".*?</button>', ran.stdout)
    assert "hidden" not in button
    assert 'aria-label="Switch to dark colors">Dark' in button


def test_page_is_light_or_dark_as_the_reader_likes(reported: Project, browser: str, tmp_path: Path) -> None:
    brightness = []
    for scheme in (1, 0):
        shot = tmp_path / f"{scheme}.png"
        words = [f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={shot}", "--window-size=400,300"]
        _browse(browser, reported.path / PAGE, *words)
        brightness.append(_brightness(shot.read_bytes()))
    light, dark = brightness
    assert light > 200
    assert dark < 70


def _brightness(png: bytes) -> float:
    """The mean of the first pixels of all rows of a PNG: those are stored as they are, or relative to the row above."""
    width, height, depth, color = struct.unpack(">IIBB", png[16:26])
    assert (depth, color) in {(8, 2), (8, 6)}
    content, place = b"", 8
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        if kind == b"IDAT":
            content += png[place + 8 : place + 8 + length]
        place += length + 12
    rows = zlib.decompress(content)
    size = {2: 3, 6: 4}[color]
    total, above = 0, bytes(3)
    for row in range(height):
        start = row * (1 + width * size)
        how, stored = rows[start], rows[start + 1 : start + 4]
        # At the left edge: none and sub store the pixel, up and Paeth its difference to the one above, average half.
        base = {0: bytes(3), 1: bytes(3), 2: above, 3: bytes(each // 2 for each in above), 4: above}[how]
        above = bytes((one + other) % 256 for one, other in zip(stored, base, strict=True))
        total += sum(above)
    return total / (3 * height)
