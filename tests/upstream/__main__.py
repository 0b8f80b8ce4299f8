"""Runs the scripted server by itself until it is interrupted."""

import argparse
import sys
import threading
from contextlib import suppress

from tests.upstream import Upstream

if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=0)
    with Upstream(port=arguments.parse_args().port) as upstream:
        sys.stdout.write(f"OPENAI_BASE_URL={upstream.base_url}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
