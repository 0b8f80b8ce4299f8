"""JSON and text as Go writes and reads them, whose habits clients of Ollama see on the wire."""
