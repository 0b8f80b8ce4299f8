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
