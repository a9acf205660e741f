"""python -m autograde <command>: the instructor's commands that nbgrader does not have."""

import sys

from autograde.doctor import main

if __name__ == "__main__":
    sys.exit(main())
