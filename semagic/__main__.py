"""`python -m semagic` is the command `semagic`."""

from semagic.cli.app import main

if __name__ == "__main__":
    main()
