"""The gold page: the report of the worked quarter. `make gold` writes it anew; read its diff before you accept it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests import nights

GOLD = Path(__file__).resolve().parent.parent / "gold" / "quarter" / "index.html"


def quarter(output: Path) -> bytes:
    """The page that a night over tests/cases/quarter publishes."""
    return nights.run(nights.QUARTER, output, as_of=nights.QUARTER_AS_OF).report.read_bytes()


def main() -> None:
    """Write the gold page."""
    with tempfile.TemporaryDirectory() as folder:
        page = quarter(Path(folder))
    GOLD.parent.mkdir(parents=True, exist_ok=True)
    GOLD.write_bytes(page)


if __name__ == "__main__":
    main()
