"""Sets up Home Assistant's Ollama integration as its page does, talks to it; prints JSON."""

import asyncio
import json
import sys
import tempfile

from homeassistant import auth, bootstrap, config_entries, loader
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.const import __version__
from homeassistant.core import Context, HomeAssistant
from homeassistant.setup import async_setup_component

url, model = sys.argv[1:]


async def house(folder: str) -> HomeAssistant:
    """Home Assistant with a lamp to switch, without its page, its port and its downloads."""
    hass = HomeAssistant(folder)
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await loader.async_get_custom_components(hass)
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth.auth_manager_from_config(hass, [], [])
    for domain, settings in (
        ("homeassistant", {}),
        ("input_boolean", {"lamp": {"name": "Lamp"}}),
        ("conversation", {}),
    ):
        assert await async_setup_component(hass, domain, {domain: settings}), domain
    return hass


async def say(hass: HomeAssistant, agent: str, text: str) -> dict[str, object]:
    """The answer to one sentence, as its page and its voice assistants get it."""
    requested = {"text": text, "agent_id": agent}
    answered = await hass.services.async_call(
        "conversation", "process", requested, blocking=True, return_response=True, context=Context()
    )
    return {
        "type": answered["response"]["response_type"],
        "speech": answered["response"]["speech"]["plain"]["speech"],
    }


async def main() -> dict[str, object]:
    """What a person sees who adds the integration, asks, and has a lamp switched on."""
    with tempfile.TemporaryDirectory() as folder:
        hass = await house(folder)
        flow = hass.config_entries.flow
        form = await flow.async_init("ollama", context={"source": "user"})
        form = await flow.async_configure(form["flow_id"], {"url": url})
        choice = form["data_schema"].schema["model"].config["options"]
        made = await flow.async_configure(form["flow_id"], {"model": model})
        entry = made["result"]
        await hass.async_block_till_done()
        agent = entry.entry_id
        greeted = await say(hass, agent, "Say hello.")
        async_expose_entity(hass, "conversation", "input_boolean.lamp", should_expose=True)
        options = {"llm_hass_api": "assist", "num_ctx": 4096.0, "keep_alive": 300.0}
        hass.config_entries.async_update_entry(entry, options=options)
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
        switched = await say(hass, agent, "Turn the lamp on.")
        reported = {
            "offered": [one["value"] for one in choice if "downloaded" in one["label"]],
            "state": entry.state.value,
            "greeted": greeted,
            "switched": switched,
            "lamp": hass.states.get("input_boolean.lamp").state,
            "version": __version__,
        }
        await hass.async_stop(force=True)
        return reported


json.dump(asyncio.run(main()), sys.stdout)
