"""The page for people, `/ui`: models, a chat that shows its frames, whether the backend answers."""

from __future__ import annotations

from ollama_facade.server.pages import CSS, FOLDER, HTML, JAVASCRIPT, Pages, file

INTERFACE: Pages = {
    "/ui": file(FOLDER / "ui.html", HTML),
    "/ui/page.css": file(FOLDER / "ui.css", CSS),
    "/ui/page.js": file(FOLDER / "ui.js", JAVASCRIPT),
}
