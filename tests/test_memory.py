"""What large blocks cost once they were freed."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

BLOCKS = """
import resource
from proxy import memory
{keep}
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def use():
    blocks = [bytearray(b"x") * 7_000_000 for _ in range(4)]
use()
before = faults()
for _ in range(20):
    use()
print(faults() - before)
"""


def page_faults(keep: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKS.format(keep=keep)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator is meant")
def test_large_blocks_are_not_asked_of_the_kernel_again_and_again() -> None:
    assert page_faults("memory.keep_freed()") < page_faults("") / 10
