"""`python -m curator` is `curator`."""

from curator.cli.entry import entry

if __name__ == "__main__":
    entry()
