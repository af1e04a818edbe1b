"""The golden files: the report of the worked quarter. `make gold` writes them; read the diff before you accept it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests import runs

GOLD = Path(__file__).resolve().parent.parent / "gold" / "quarter"
MAIL = ("email.html", "email.txt")


def quarter(output: Path) -> dict[str, bytes]:
    """File name → bytes of the pages that a run over tests/cases/quarter publishes."""
    report = runs.run(runs.QUARTER, output, as_of=runs.QUARTER_AS_OF).report
    return pages(report.parent) | mail(report.parent)


def pages(folder: Path) -> dict[str, bytes]:
    """The pages of a folder by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.html")) if path.name not in MAIL}


def mail(folder: Path) -> dict[str, bytes]:
    """Both forms of the mail of a report folder."""
    return {name: (folder / name).read_bytes() for name in MAIL}


def main() -> None:
    """Write the golden files and remove those that no longer exist."""
    with tempfile.TemporaryDirectory() as folder:
        new_pages = quarter(Path(folder))
    GOLD.mkdir(parents=True, exist_ok=True)
    for stale in GOLD.glob("*.*"):
        stale.unlink()
    for name, page in new_pages.items():
        (GOLD / name).write_bytes(page)


if __name__ == "__main__":
    main()
