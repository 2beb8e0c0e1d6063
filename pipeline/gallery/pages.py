"""Pages that open from disk: styles, scripts, plotly and content in one file, and nothing from a network."""

import json
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from pipeline.gallery.assets import read_asset


def render_page(template: str, scripts: tuple[str, ...], content: Any, **values: Any) -> str:
    """A page as HTML.

    Args:
        template: file in the assets; what it inserts is escaped.
        scripts: files in the assets, in the order in which they are run.
        content: what the scripts read, as JSON.
        values: what the template inserts.
    """
    environment = Environment(loader=FunctionLoader(read_asset), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(template).render(
        css=Markup(read_asset("page.css")),
        plotly=Markup(get_plotlyjs()),
        script=Markup("\n".join(map(read_asset, scripts))),
        content=Markup(_embedded(content)),
        **values,
    )


def _embedded(content: Any) -> str:
    """JSON that cannot end the element `script` that it stands in."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
