"""`python -m proxy` is the command `ollama-facade`."""

from proxy.cli import main

if __name__ == "__main__":
    main(prog_name="ollama-facade")
