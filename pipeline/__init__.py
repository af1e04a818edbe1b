"""Lead stage history to a published DuckDB file and a report that says how it counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.explore.published import Published, published

__all__ = ["Published", "published"]


def __getattr__(name: str) -> Any:
    """`from pipeline import published` loads DuckDB; `import pipeline` alone loads nothing."""
    if name in __all__:
        from pipeline.explore import published

        return getattr(published, name)
    raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
