"""`python -m preflight` is the `preflight` command."""

from preflight.cli import main

if __name__ == "__main__":
    main()
