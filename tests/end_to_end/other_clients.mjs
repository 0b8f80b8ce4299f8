// One step with the official OpenAI or Anthropic JavaScript client; prints what the client saw.
//   node other_clients.mjs URL STEP      (to be run beside node_modules)
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'

const [, , host, step] = process.argv
const openai = new OpenAI({ baseURL: `${host}/v1`, apiKey: 'none', maxRetries: 0 })
const anthropic = new Anthropic({ baseURL: host, apiKey: 'none', maxRetries: 0 })
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR4nGM4ISeHFTEMLQkAkL9BAbKfPiIAAAAASUVORK5CYII='
const hi = [{ role: 'user', content: 'Hi' }]
const schema = { type: 'object', properties: { city: { type: 'string' } } }
const weather = { name: 'get_weather', description: 'Weather of a city' }

async function collected(stream) {
  const events = []
  for await (const event of stream) events.push(event)
  return events
}

const message = (more) =>
  anthropic.messages.create({ model: 'NATIVE', max_tokens: 100, messages: hi, ...more })

const steps = {
  models: async () => (await collected(await openai.models.list())).map((model) => model.id),
  chat: async () => {
    const asked = { model: 'native', messages: hi }
    const whole = await openai.chat.completions.create(asked)
    const stream = await collected(
      await openai.chat.completions.create({ ...asked, stream: true }),
    )
    return [
      whole.choices[0].message.content,
      stream.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''),
    ]
  },
  chatTools: async () => {
    const tools = [{ type: 'function', function: { ...weather, parameters: schema } }]
    const asked = { model: 'native-tools', tools }
    const first = await openai.chat.completions.create({ ...asked, messages: hi })
    const made = first.choices[0].message
    const results = made.tool_calls.map((call) => ({
      role: 'tool',
      tool_call_id: call.id,
      content: '11',
    }))
    const messages = [...hi, made, ...results]
    const second = await openai.chat.completions.create({ ...asked, messages })
    return [made.tool_calls[0].function, second.choices[0].message.content]
  },
  completion: async () =>
    (await openai.completions.create({ model: 'native', prompt: 'x' })).choices[0].text,
  embeddings: async () =>
    (await openai.embeddings.create({ model: 'emb', input: ['a', 'b'] })).data.map(
      (one) => one.embedding.length,
    ),
  response: async () => {
    const asked = { model: 'NATIVE', input: 'Hi' }
    const whole = await openai.responses.create(asked)
    const streamed = await openai.responses.stream(asked).finalResponse()
    return [whole, streamed].map((one) => [one.model, one.status, one.output_text])
  },
  responseTools: async () => {
    const tools = [{ type: 'function', strict: false, ...weather, parameters: schema }]
    const asked = { model: 'native-tools', tools }
    const first = await openai.responses.stream({ ...asked, input: hi }).finalResponse()
    const call = first.output.find((item) => item.type === 'function_call')
    const { call_id, name, arguments: text } = call
    const input = [
      ...hi,
      { type: 'function_call', call_id, name, arguments: text },
      { type: 'function_call_output', call_id, output: '11' },
    ]
    const second = await openai.responses.create({ ...asked, input })
    return [name, JSON.parse(text), second.output_text]
  },
  responseUnknown: () => openai.responses.create({ model: 'nothing', input: 'Hi' }),
  responseBroken: async () =>
    (await collected(await openai.responses.create({ model: 'native', input: 'Hi', stream: true })))
      .map((event) => event.type),
  message: async () => {
    const whole = await message({})
    const streamed = await anthropic.messages
      .stream({ model: 'NATIVE', max_tokens: 100, messages: hi })
      .finalMessage()
    return [whole, streamed].map((one) => [one.model, one.stop_reason, one.content[0].text])
  },
  messageTools: async () => {
    const asked = {
      model: 'native-tools',
      max_tokens: 100,
      tools: [{ ...weather, input_schema: schema }],
    }
    const first = await anthropic.messages.stream({ ...asked, messages: hi }).finalMessage()
    const use = first.content.find((block) => block.type === 'tool_use')
    const messages = [
      ...hi,
      { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: '11' }] },
    ]
    const second = await anthropic.messages.create({ ...asked, messages })
    return [first.stop_reason, use.name, use.input, second.content[0].text]
  },
  image: async () => {
    const source = { type: 'base64', media_type: 'image/png', data: PIXEL }
    const content = [{ type: 'image', source }, { type: 'text', text: 'What?' }]
    const answer = await message({ model: 'vision', messages: [{ role: 'user', content }] })
    return answer.content[0].text
  },
  thinking: async () => {
    const answer = await anthropic.messages
      .stream({
        model: 'native-think',
        max_tokens: 2048,
        messages: hi,
        thinking: { type: 'enabled', budget_tokens: 1024 },
      })
      .finalMessage()
    return answer.content.map((block) => [block.type, block.thinking ?? block.text])
  },
  messageUnknown: () => message({ model: 'nothing' }),
  messageBroken: async () => (await collected(await message({ stream: true }))).length,
}

try {
  console.log(JSON.stringify({ value: await steps[step]() }))
} catch (error) {
  const { status, type } = error
  console.log(JSON.stringify({ error: error.message, kind: error.constructor.name, status, type }))
}
