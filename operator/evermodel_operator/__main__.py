"""`python -m evermodel_operator`."""

from evermodel_operator.main import main

if __name__ == "__main__":
    raise SystemExit(main())
