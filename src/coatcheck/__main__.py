"""`python -m coatcheck` is `coatcheck`."""

from coatcheck.cli import main

if __name__ == "__main__":
    main(prog_name="coatcheck")
