"""Start the engine on standard input and output: ``python -I -u start_worker.py``.

Works from a checkout and from the plugin's own folder, with nothing of RS Copilot installed: the package
lies beside this file. ``-I`` keeps the caller's Python settings out and with them this folder, so it is
added here.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from rs_copilot.worker.main import main

if __name__ == "__main__":
    sys.exit(main())
