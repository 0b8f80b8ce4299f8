"""`transformers serve` for a GGUF file that does not name its architecture.

Run by the Python of the environment that has transformers; the arguments are those of its command.
"""

import sys
from typing import Any

from transformers import AutoConfig
from transformers.cli.transformers import main

_read = AutoConfig.from_pretrained


def _named(*arguments: Any, **more: Any) -> Any:
    found = _read(*arguments, **more)
    config = found[0] if isinstance(found, tuple) else found
    config.architectures = config.architectures or ["LlamaForCausalLM"]
    return found


AutoConfig.from_pretrained = _named
sys.argv[0] = "transformers"
main()
