"""The picture in the README, the top of the page that a lived year leaves: `make picture` takes it of var/."""

import sys
import tempfile
from pathlib import Path

from chromium import MISSING, find_chromium, running_chromium

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "page.png"
WIDTH_PX, HEIGHT_PX = 1280, 1244
"""As far down as the end of the first plots."""


def main(home: Path) -> None:
    """Open the page of a home and leave the picture of its top in `docs/images/`."""
    page = home / "report" / "index.html"
    if find_chromium() is None:
        sys.exit(MISSING)
    if not page.exists():
        sys.exit(f"{page} is not there; make demo writes it")
    with tempfile.TemporaryDirectory() as profile, running_chromium(Path(profile)) as browser:
        browser.visit(page.resolve().as_uri(), WIDTH_PX, PICTURE, tallest_px=HEIGHT_PX)
    sys.stdout.write(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
