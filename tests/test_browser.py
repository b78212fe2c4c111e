"""A real browser: the course opens as course.py opens it, and the keyboard moves a slider.

It needs Chromium (or Chrome), which the course does not; without one the test is skipped. Put its
address into the variable CHROMIUM if it is not found. HGTEACH_SCREENSHOTS names a folder for
pictures of what the browser saw.
"""

import base64
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

websocket = pytest.importorskip("websocket", reason="websocket-client drives the browser")

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
NOTEBOOK = "notebooks/implementation/02-dataloader.ipynb"
PATIENCE = 60  # seconds until a step that does not come is an error; most take one or two

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium or Chrome was found")

# As course.py lab starts it, but on a copy of the notebooks and with this Python.
START = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("course_script", sys.argv[1])
course = importlib.util.module_from_spec(spec)
spec.loader.exec_module(course)
course.ROOT, course.VENV, course.PYTHON = Path.cwd(), Path("venv"), Path(sys.executable)
sys.exit(course.lab(course.choose_port(None), browser=False))
"""


def wait_for(look: Callable[[], Any], what: str) -> Any:
    """Return what ``look`` returns as soon as it is true."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {PATIENCE} seconds for {what}")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Path]:
    """Start JupyterLab on a copy of the notebook; yield the file that gets what is printed."""
    for name in (NOTEBOOK, "notebooks/00-start-here.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    settings = {k: v for k, v in os.environ.items() if k != "HGTEACH_STATIC"}
    settings |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    settings |= {f"JUPYTER_{n}_DIR": str(tmp_path / n) for n in ("CONFIG", "RUNTIME")}
    settings["JUPYTERLAB_WORKSPACES_DIR"] = str(tmp_path / "workspaces")
    log = tmp_path / "lab.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", START, ROOT / "course.py"],
            cwd=tmp_path, env=settings, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        yield log
    finally:
        process.send_signal(signal.SIGTERM)  # which course.py hands on
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:  # a server that was stopped in the wrong moment
            os.killpg(process.pid, signal.SIGKILL)  # its kernel notices and stops, too
            process.wait()


class Page:
    """One tab of a browser without a window, driven by the DevTools protocol."""

    def __init__(self, profile: Path) -> None:
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        flags += ["--remote-debugging-port=0", "--remote-allow-origins=*", "--no-first-run"]
        flags += [f"--user-data-dir={profile}", "--window-size=1200,900", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([CHROMIUM, *flags], **quiet)
        port_file = profile / "DevToolsActivePort"
        wait_for(lambda: port_file.exists() and port_file.read_text().strip(), "the browser")
        port = port_file.read_text().split()[0]
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"http://127.0.0.1:{port}/json"
        ) as answer:
            tab = next(tab for tab in json.load(answer) if tab["type"] == "page")
        self.socket = websocket.create_connection(
            tab["webSocketDebuggerUrl"], timeout=PATIENCE, http_no_proxy=["127.0.0.1"]
        )
        self.numbers = itertools.count(1)

    def ask(self, method: str, **parameters: Any) -> dict:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, script: str) -> Any:
        return wait_for(lambda: self.run(script), script)

    def click(self, selector: str) -> None:
        where = f"document.querySelector({selector!r})"
        x, y = self.wait(f"{where} && (r => [r.x + r.width / 2, r.y + r.height / 2])"
                         f"({where}.getBoundingClientRect())")  # fmt: skip
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str, code: int) -> None:
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                     windowsVirtualKeyCode=code)  # fmt: skip

    def screenshot(self, name: str) -> None:
        if folder := os.environ.get("HGTEACH_SCREENSHOTS"):
            image = base64.b64decode(self.ask("Page.captureScreenshot")["data"])
            (Path(folder) / f"{name}.png").write_bytes(image)

    def names(self, role: str) -> set[str]:
        """Return what a screen reader calls everything of this role."""
        nodes = self.ask("Accessibility.getFullAXTree")["nodes"]
        return {n.get("name", {}).get("value") for n in nodes
                if n.get("role", {}).get("value") == role and not n["ignored"]}  # fmt: skip


# Scroll on until an explorer is on the page (JupyterLab draws only the cells in view).
FIND = """(() => {
  const found = document.querySelector('.jp-OutputArea [role=slider]');
  const pane = document.querySelector('.jp-WindowedPanel-outer');
  if (found) found.scrollIntoView({block: 'center'});
  else pane.scrollTop = (pane.scrollTop + 400) % (pane.scrollHeight - pane.clientHeight);
  return !!found;
})()"""


def test_a_learner_steers_a_picture_with_the_keyboard(lab: Path, tmp_path: Path) -> None:
    page = Page(tmp_path / "browser")  # while JupyterLab starts
    try:
        found = wait_for(lambda: re.search(r"http://127\S+", lab.read_text()), "JupyterLab")
        address = found[0].replace("notebooks/00-start-here.ipynb", NOTEBOOK)
        assert address != found[0]
        page.ask("Page.navigate", url=address)
        page.wait("document.querySelector('.jp-NotebookPanel-toolbar')?.innerText"
                  ".includes('ipykernel') && !!document.querySelector('[data-status=idle]')")
        menus = page.run("[...document.querySelectorAll('.lm-MenuBar-item')].map(e => e.innerText)")
        assert menus == ["File", "Edit", "View", "Run", "Kernel", "Tabs", "Settings", "Help"]
        assert "Create Assignment" not in page.run("document.body.innerText")
        page.click(f".lm-MenuBar-content > li:nth-child({1 + menus.index('Run')})")
        page.click(".lm-Menu-item[data-command='runmenu:run-all']")
        page.wait(FIND)
        labels = {"Sequence length", "Largest batch"}
        wait_for(lambda: page.run(FIND) and labels <= page.names("slider"), "the sliders' names")
        assert "Last batch" in page.names("combobox")

        page.run("document.querySelector('.jp-OutputArea [role=slider]').focus()")
        page.screenshot("before")
        picture = "document.querySelector('.jp-OutputArea .widget-html img').src"
        words = "document.querySelector('.jp-OutputArea [role=status]').innerText"
        before, said = page.run(picture), page.run(words)
        assert "(256, 10, 22)" in said
        page.press("ArrowRight", 39)
        wait_for(lambda: "(256, 11, 22)" in page.run(words), "the words to follow")
        wait_for(lambda: page.run(picture) != before, "the picture to follow")
        page.screenshot("moved")
        page.press("Tab", 9)  # to the number beside the slider
        page.press("Tab", 9)  # to the next slider
        page.press("Home", 36)
        wait_for(lambda: "(8, 11, 22)" in page.run(words), "the second slider to follow")
        page.run("document.querySelector('.jp-OutputArea .widget-html img').scrollIntoView()")
        assert not re.search(r"WARN|^\[W", lab.read_text(), re.M), lab.read_text()
    finally:
        page.screenshot("after")
        page.process.terminate()
        page.process.wait()
