"""A picture that a learner steers: controls, the picture, and the same in words.

An explorer adds nothing to the function that draws. It calls it with what the controls say, so
that the tests, and a page without a kernel, need no browser.
"""

from __future__ import annotations

import base64
import gc
import html
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets
from IPython.display import Javascript, display
from matplotlib.figure import Figure

from hgteach import figures
from hgteach.errors import InputError

NO_KERNEL = "Run this notebook to steer this picture."
# ipywidgets writes a slider's label beside it and does not tell a screen reader that it is one.
# When the slider will appear is not known, so look for it again and again, for two minutes.
NAME_SLIDERS = """
(function name(tries) {
  const here = element.closest && element.closest('.jp-OutputArea') || document;
  for (const one of here.querySelectorAll('.widget-slider [role=slider]')) {
    const label = one.closest('.widget-slider').querySelector('label');
    one.setAttribute('aria-label', label.textContent);
  }
  if (tries) setTimeout(name, 400, tries - 1);
})(300);
"""
Drawn = tuple[Figure, str]
"""A figure, and what it shows in one to three sentences."""


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put Python's tidying of memory off: it takes longer than a picture, and can follow it."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Explorer(ipywidgets.VBox):
    """Controls above a picture that follows them, and below it the picture in words."""

    def __init__(
        self,
        draw: Callable[..., Drawn],
        still: Callable[[], Drawn] | None = None,
        **controls: ipywidgets.ValueWidget,
    ) -> None:
        """Lay out the controls and draw once.

        Args:
            draw: takes the value of each control by its name. A move should take less than a
                fifth of a second, so work out beforehand what is slow. An ``InputError`` is told
                in the place of the words, and the last picture stays.
            still: draws what a page without a kernel shows, by default the first picture.
            controls: see :func:`slider` and :func:`choice`.
        """
        self.controls, self._draw = controls, draw
        self._seen: dict[tuple, tuple[bytes, str]] = {}
        self._still = still or (lambda: draw(**self.settings()))
        self.picture, self.words = ipywidgets.HTML(), ipywidgets.HTML()
        for control in controls.values():
            control.observe(lambda _: self.look(), names="value")
        row = ipywidgets.HBox(list(controls.values()), layout={"flex_flow": "row wrap"})
        super().__init__([row, self.picture, self.words])
        self.look()

    def settings(self) -> dict[str, Any]:
        """Return what the controls say, by name."""
        return {name: control.value for name, control in self.controls.items()}

    @_undisturbed()
    def look(self) -> None:
        """Draw what the controls ask for, or say why it cannot be drawn."""
        key = tuple(self.settings().values())
        try:
            if key not in self._seen:  # so a way back costs nothing
                figure, said = self._draw(**self.settings())
                self._seen[key] = figures.png(figure), said
        except InputError as error:
            said = str(error)
        else:
            self.png, said = self._seen[key]
            image = base64.b64encode(self.png).decode()
            # Width and height keep the page still while the browser unpacks the next picture.
            width, height = (int.from_bytes(self.png[k : k + 4], "big") for k in (16, 20))
            self.picture.value = (
                f'<img alt="The picture is described in words below it." width="{width}" '
                f'height="{height}" style="max-width: 100%; height: auto" '
                f'src="data:image/png;base64,{image}">'
            )
        self.said = " ".join(said.split())
        # role=status makes a screen reader speak the new text without moving the focus.
        self.words.value = f'<p role="status">{html.escape(self.said)}</p>'

    def _ipython_display_(self) -> None:
        """Show the controls; with ``HGTEACH_STATIC=1`` a plain picture.

        A committed notebook must not hold the address of a widget that died with its kernel. The
        picture also travels beside the live controls, for pages that cannot show those.
        """
        if os.environ.get("HGTEACH_STATIC"):
            figures.show(*self._still())
            print(NO_KERNEL)
            return
        seen = {"image/png": self.png, "text/plain": f"[Picture: {self.said}] {NO_KERNEL}"}
        alt = {"image/png": {"alt": self.said}}
        display(self._repr_mimebundle_() | seen, raw=True, metadata=alt)
        display(Javascript(NAME_SLIDERS))


def slider(label: str, low: float, high: float, step: float, value: float, tip: str) -> Any:
    """Return a labelled slider, over whole numbers if ``step`` is one; ``tip`` says what it does.

    The arrow keys move it by a step, Page Up and Page Down by more, Home and End to its ends.
    """
    kind = ipywidgets.IntSlider if isinstance(step, int) else ipywidgets.FloatSlider
    numbers = {"value": value, "min": low, "max": high, "step": step}
    return _labelled(kind, label, tip, **numbers)


def choice(label: str, options: Iterable[Any], tip: str, kind: Any = ipywidgets.Dropdown) -> Any:
    """Return a labelled list to choose from; the first is chosen."""
    return _labelled(kind, label, tip, options=list(options))


def _labelled(kind: Any, label: str, tip: str, **settings: Any) -> Any:
    return kind(
        description=label,
        tooltip=tip,
        style={"description_width": "initial"},
        layout={"width": "400px", "margin": "2px 16px 2px 2px"},
        **settings,
    )
