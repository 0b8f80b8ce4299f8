"""JSON and text as Go reads and writes them, byte for byte, because Ollama is written in Go.

Pure and independent of the contract. A body that orjson or its schema refuses is read again here:
`scanner.scan_value` checks its syntax, `values.read` reads it, and `unmarshal.unmarshal` decodes it
into the `types.Shape` of its schema, with Go's texts for every error. `encode.dumps` and
`encode.quote` write what is sent to clients. `duration.parse_keep_alive` reads times. Begin with
`unmarshal.py`.
"""

__all__ = [
    "base64", "decode_errors", "duration", "encode", "scanner", "types", "unions", "unmarshal",
    "values",
]  # fmt: skip
