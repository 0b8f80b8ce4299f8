"""`python -m proxy` is the command `ollama-facade`."""

from ollama_facade.cli.main import main

if __name__ == "__main__":
    main(prog_name="ollama-facade")
