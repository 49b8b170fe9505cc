"""`python -m coatcheck` is `coatcheck`.

Nothing that imports make is garbage, and looking for it took a fiftieth of a start: that begins with the verb.
"""

import gc

gc.disable()

from coatcheck.cli import main  # noqa: E402

if __name__ == "__main__":
    main(prog_name="coatcheck")
