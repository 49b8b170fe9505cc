from __future__ import annotations

import logging

logging.getLogger("pyvips").setLevel(logging.CRITICAL)  # its remarks on broken pictures
