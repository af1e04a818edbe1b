"""The types of thresholds in a configuration: an age such as "36 hours", and a share."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, PlainValidator

from pipeline.waterfall.guard import age

_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*")


def _age(text: str) -> str:
    age(text)
    return text


def target(value: Any) -> float:
    """A share above 0. ValueError, with what a percentage is as a share, when it is none."""
    if _is_number(value) and 0 < value <= 1:
        return float(value)
    raise ValueError(f"must be a share above 0 and up to 1.0; {_as_share(value)}")


def _share(value: Any) -> float:
    if _is_number(value) and 0 <= value <= 1:
        return float(value)
    raise ValueError(f"must be a share from 0 to 1.0; {_as_share(value)}")


def _as_share(value: Any) -> str:
    found = _PERCENT.fullmatch(str(value)) if _is_number(value) or isinstance(value, str) else None
    percent = float(found[1]) if found else 0.0
    is_meant = 1 < percent <= 100 or (found is not None and found[2] and 0 < percent <= 1)
    return f"{percent:g} % is written {percent / 100:g}" if is_meant else "80 % is written 0.8"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


Age = Annotated[str, AfterValidator(_age)]
Share = Annotated[float, PlainValidator(_share)]
