"""The types of thresholds in a configuration: an age such as "36 hours", and a share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, PlainValidator

from pipeline.waterfall.guard import age


def _age(text: str) -> str:
    age(text)
    return text


def _share(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise ValueError("must be a share from 0 to 1.0 (0.5 is half)")


Age = Annotated[str, AfterValidator(_age)]
Share = Annotated[float, PlainValidator(_share)]
