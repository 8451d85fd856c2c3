"""`python -m rsparkhub` is `rsparkhub`."""

from rsparkhub.cli import main

if __name__ == "__main__":
    main()
