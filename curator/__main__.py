"""`python -m curator` is `curator`."""

from curator.cli.main import entry

if __name__ == "__main__":
    entry()
