// One step of a conversation with the official JavaScript client; prints what the client saw.
//   node conversation.mjs URL STEP      (NODE_PATH is not read by modules: run it beside node_modules)
import { Ollama } from 'ollama'

const [, , host, step] = process.argv
const ollama = new Ollama({ host })
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR4nGM4ISeHFTEMLQkAkL9BAbKfPiIAAAAASUVORK5CYII='
const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Weather of a city',
      parameters: {
        type: 'object',
        required: ['city'],
        properties: { city: { type: 'string', description: 'The city' } },
      },
    },
  },
]

async function collected(stream) {
  const frames = []
  for await (const frame of stream) frames.push(frame)
  return frames
}

const steps = {
  list: async () => (await ollama.list()).models.map((model) => model.name),
  show: () => ollama.show({ model: 'native-tools' }),
  unknown: () => ollama.chat({ model: 'nothing', messages: [{ role: 'user', content: 'Hi' }] }),
  chat: () => ollama.chat({ model: 'native', messages: [{ role: 'user', content: 'Hi' }] }),
  stream: async () =>
    collected(
      await ollama.chat({
        model: 'native',
        messages: [{ role: 'user', content: 'Hi' }],
        stream: true,
      }),
    ),
  tools: async () => {
    const messages = [{ role: 'user', content: 'Weather in Paris?' }]
    const first = await ollama.chat({ model: 'native-tools', messages, tools })
    messages.push(first.message)
    for (const call of first.message.tool_calls) {
      messages.push({ role: 'tool', tool_name: call.function.name, content: '11 degrees' })
    }
    return { first, second: await ollama.chat({ model: 'native-tools', messages, tools }) }
  },
  image: () =>
    ollama.chat({
      model: 'vision',
      messages: [{ role: 'user', content: 'What?', images: [PIXEL] }],
    }),
  manage: async () => {
    const created = await ollama.create({
      model: 'js-pirate',
      from: 'native',
      system: 'You are a pirate.',
      parameters: { temperature: 0.25 },
    })
    const answer = await ollama.chat({
      model: 'js-pirate',
      messages: [{ role: 'user', content: 'Hi' }],
    })
    const copied = await ollama.copy({ source: 'js-pirate', destination: 'js-copy' })
    const shown = await ollama.show({ model: 'js-copy' })
    const pulled = await collected(await ollama.pull({ model: 'native', stream: true }))
    const running = (await ollama.ps()).models.map((model) => model.name)
    const deleted = await ollama.delete({ model: 'js-pirate' })
    await ollama.delete({ model: 'js-copy' })
    const left = (await ollama.list()).models.map((model) => model.name)
    return { created, answer, copied, shown, pulled, running, deleted, left }
  },
  schema: () =>
    ollama.chat({
      model: 'native',
      messages: [{ role: 'user', content: 'Hi' }],
      format: { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
    }),
  thinking: async () =>
    collected(
      await ollama.chat({
        model: 'native-think',
        messages: [{ role: 'user', content: 'Hi' }],
        think: true,
        stream: true,
      }),
    ),
  logprobs: () =>
    ollama.chat({
      model: 'native',
      messages: [{ role: 'user', content: 'Hi' }],
      logprobs: true,
      top_logprobs: 2,
    }),
  embed: () => ollama.embed({ model: 'emb', input: ['a', 'b'] }),
  abort: async () => {
    const stream = await ollama.chat({
      model: 'native',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
    })
    const seen = []
    try {
      for await (const frame of stream) {
        seen.push(frame.message.content)
        if (seen.length === 2) stream.abort()
      }
    } catch (error) {
      return { seen, error: error.name }
    }
    return { seen, error: null }
  },
}

try {
  console.log(JSON.stringify({ value: await steps[step]() }))
} catch (error) {
  console.log(JSON.stringify({ error: error.message, status: error.status_code }))
}
