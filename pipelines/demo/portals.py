"""The portals of the demonstration in one process: KoboToolbox, ODK Central and LimeSurvey at one address.

python -m pipelines.demo.portals FOLDER PORT

FOLDER holds `kobo/`, `odk/` and `limesurvey/`; the token of the first, and the password of the user of the others, is
in `HAILONG_PORTAL_TOKEN`. Each begins with a few troubles, so that collecting has to bear them every time.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pipelines.demo.limesurvey import Remote
from pipelines.demo.odk import Central
from pipelines.demo.portal import Portal
from pipelines.demo.standin import Served, StandIn, Trouble
from pipelines.simulate.record import KOBO, LIMESURVEY, ODK, PORTAL_USER

# In the order of the requests: pages of Kobo and ODK; a session, a count and ranges of responses of LimeSurvey.
TROUBLES = {
    KOBO: (Trouble.SERVER_ERROR, Trouble.NONE, Trouble.CUT_SHORT),
    ODK: (Trouble.BUSY, Trouble.WRONG_COUNT, Trouble.NOT_JSON),
    LIMESURVEY: (Trouble.HANG, Trouble.NONE, Trouble.WRONG_COUNT, Trouble.SERVER_ERROR),
}


def portals(folder: Path, token: str, troubles: Mapping[str, Sequence[Trouble]]) -> tuple[StandIn, ...]:
    """Return the portals that serve what is simulated under a folder; `troubles` is source → what it begins with."""
    account = f"{PORTAL_USER}:{token}" if token else ""
    return (
        Portal(folder / KOBO, token, troubles.get(KOBO, ())),
        Central(folder / ODK, account, troubles.get(ODK, ())),
        Remote(folder / LIMESURVEY, account, troubles.get(LIMESURVEY, ())),
    )


def main() -> None:
    """Serve the folder and port of the command line until the process is ended."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    token = os.environ.get("HAILONG_PORTAL_TOKEN", "")
    with suppress(KeyboardInterrupt):
        Served(portals(Path(sys.argv[1]), token, TROUBLES), int(sys.argv[2])).server.serve_forever()


if __name__ == "__main__":
    main()
