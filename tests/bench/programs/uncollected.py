"""uncollected.py PROGRAM ARGUMENTS...: runs another program of this folder without the garbage
collector, whose turns come with what else has been allocated. For counting instructions.
"""

import gc
import runpy
import sys

gc.disable()
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
