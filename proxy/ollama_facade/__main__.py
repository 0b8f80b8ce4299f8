"""Runs the command `ollama-facade` for `python -m ollama_facade`."""

from ollama_facade.cli.main import main

if __name__ == "__main__":
    main(prog_name="ollama-facade")
