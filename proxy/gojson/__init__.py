"""JSON and text as Go writes and reads them, because clients of Ollama see Go's habits on the wire."""
