"""The contract suite: tests of any server that speaks Ollama's API.

A test takes `target` (the server), `ask` (any request, recorded) or `clients` (Ollama's own,
recorded), and says with `checking.expect` what has to hold: all that does not is reported, with the
last exchange of that endpoint. `@pytest.mark.needs("tools")` names the abilities that it asks for,
`checking.not_applicable(reason)` ends it where they are missing, `@pytest.mark.changes_server`
keeps it away from a server that is precious.
"""
