"""The embedded backend of `serve --local`: llama.cpp's server as a child process.

`process.running` starts it and yields its address, `supervisor` restarts it when it ends, and
`server` is the program of the child, the only module that imports xllamacpp. Begin with
`process.py`.
"""

__all__ = ["process", "server", "supervisor"]
