"""From figures, images and tables to the bytes of a file."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Self

from autotrack.exceptions import AutotrackException
from autotrack.values import text


def figure_bytes(figure: Any, path: str, options: Mapping[str, Any] | None = None) -> bytes:
    """A matplotlib or plotly figure in the format that the path's ending names."""
    buffer = io.BytesIO()
    suffix = PurePosixPath(path).suffix.lstrip(".").lower()
    if hasattr(figure, "savefig"):
        figure.savefig(buffer, **{"format": suffix or "png", **(options or {})})
        return buffer.getvalue()
    if hasattr(figure, "write_html"):
        if suffix == "html":
            text: str = figure.to_html(**{"include_plotlyjs": True, "auto_open": False, **(options or {})})
            return text.encode()
        figure.write_image(buffer, format=suffix or "png", **(options or {}))
        return buffer.getvalue()
    raise AutotrackException.invalid(f"a {type(figure).__name__} is no matplotlib or plotly figure")


class Image:
    """A picture, from a path, a numpy array, nested lists or PIL; logged by ``log_image``."""

    def __init__(self, image: Any) -> None:
        if isinstance(image, str | os.PathLike):
            import PIL.Image  # heavy, and only there if the program deals in images

            self.image: Any = PIL.Image.open(image)
        else:
            self.image = _picture(image)
        self.size: tuple[int, int] = self.image.size
        """Width and height."""

    def to_pil(self) -> Any:
        """As PIL holds it."""
        return self.image

    def to_array(self) -> Any:
        """As numpy holds it."""
        import numpy as np  # heavy; whoever asks for an array has it

        return np.asarray(self.image)

    def to_list(self) -> list[Any]:
        """The pixels, row after row."""
        return list(self.image.getdata())

    def resize(self, size: tuple[int, int]) -> Self:
        """Another one, of this width and height."""
        return type(self)(self.image.resize(size))

    def save(self, path: str) -> None:
        """Write it to a file, in the format that the path's ending names."""
        self.image.save(path)


def image_bytes(image: Any, path: str) -> bytes:
    """An image as PIL or numpy holds it (height x width, or x 1, 3, 4 channels; floats from 0 to 1, or integers from
    0 to 255) in the format that the path's ending names."""
    import PIL.Image  # heavy, and only there if the program deals in images

    buffer = io.BytesIO()
    form = PIL.Image.registered_extensions().get(PurePosixPath(path).suffix.lower(), "PNG")
    picture = _picture(image)
    if form == "JPEG" and picture.mode not in ("L", "RGB", "CMYK"):
        picture = picture.convert("RGB")
    picture.save(buffer, format=form)
    return buffer.getvalue()


def image_path(key: str, step: int | None, timestamp: int | None) -> str:
    """Where an image of a series lies, by MLflow's convention."""
    when = timestamp if timestamp is not None else time.time_ns() // 1_000_000
    name = text(key).replace("/", "~")
    return f"images/{name}+step+{text(step or 0)}+timestamp+{text(when)}+{os.urandom(8).hex()}.png"


def _picture(image: Any) -> Any:
    import PIL.Image  # as in image_bytes

    if not isinstance(image, PIL.Image.Image):
        image = getattr(image, "image", image)  # the wrapper above, or MLflow's
    if isinstance(image, PIL.Image.Image):
        return image
    import numpy as np  # heavy; an array means that it is loaded

    array = np.asarray(image)
    if array.dtype.kind not in "biuf":
        raise AutotrackException.invalid(f"a {type(image).__name__} of {array.dtype} is no image")
    if array.dtype.kind == "f":
        array = np.clip(np.nan_to_num(array), 0.0, 1.0) * 255
    elif array.dtype.kind == "b":
        array = array * 255
    array = np.clip(array, 0, 255).astype(np.uint8)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    return PIL.Image.fromarray(array)


def document(value: Any, path: str) -> str:
    """A dictionary or list as YAML if the path ends so, else as JSON; what JSON has no form for becomes its text."""
    if PurePosixPath(path).suffix.lower() in (".yml", ".yaml"):
        import yaml  # heavy: only for those who ask for it

        return str(yaml.safe_dump(json.loads(json.dumps(value, default=text)), sort_keys=False))
    return json.dumps(value, indent=2, default=text)


def table(data: Any, before: str | None) -> str:
    """Rows as ``{"columns": [...], "data": [...]}``, after those of the table that was there before.

    ``data`` is a pandas data frame or a mapping from column to values, or to one value.
    """
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        columns = [str(name) for name in data.columns]
        rows = [list(row) for row in data.itertuples(index=False, name=None)]
    elif isinstance(data, Mapping):
        columns = [str(name) for name in data]
        values = [value if isinstance(value, list | tuple) else [value] for value in data.values()]
        if len({len(value) for value in values}) > 1:
            raise AutotrackException.invalid("the columns of a table must have one length")
        rows = [list(row) for row in zip(*values, strict=True)]
    else:
        raise AutotrackException.invalid(f"a {type(data).__name__} is no table; give a data frame or a mapping")
    if before is not None:
        old = json.loads(before)
        merged = [*old["columns"], *(name for name in columns if name not in old["columns"])]
        rows = [
            [dict(zip(names, row, strict=True)).get(name) for name in merged]
            for names, part in ((old["columns"], old["data"]), (columns, rows))
            for row in part
        ]
        columns = merged
    return json.dumps({"columns": columns, "data": rows}, default=_item)


def _item(value: Any) -> Any:
    return value.item() if hasattr(value, "item") and not hasattr(value, "__len__") else text(value)
