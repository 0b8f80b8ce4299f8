// Runs n8n's own Ollama nodes, as its package ships them, against a service; prints JSON.
// What n8n hands to a node is the little that these three ask for.
'use strict';
const { createRequire } = require('node:module');

const [folder, url, model] = process.argv.slice(2);
const fetched = createRequire(`${folder}/package.json`);
const nodes = `${folder}/node_modules/@n8n/n8n-nodes-langchain/dist`;
const { OllamaApi } = fetched(`${nodes}/credentials/OllamaApi.credentials.js`);
const { LmChatOllama } = fetched(`${nodes}/nodes/llms/LMChatOllama/LmChatOllama.node.js`);
const { EmbeddingsOllama } = fetched(`${nodes}/nodes/embeddings/EmbeddingsOllama/EmbeddingsOllama.node.js`);
const { Ollama } = fetched(`${nodes}/nodes/vendors/Ollama/Ollama.node.js`);
const { tool } = fetched('@langchain/core/tools');
const { HumanMessage, ToolMessage } = fetched('@langchain/core/messages');
const { z } = fetched('zod');

// A credential without a key, as Ollama needs none; its expressions read nothing but the credential.
const credentials = { baseUrl: url, apiKey: '' };
const worked = (text) =>
	text.startsWith('=')
		? text.slice(1).replace(/\{\{(.+?)\}\}/g, (_, code) => Function('$credentials', `return ${code}`)(credentials))
		: text;

async function request({ baseURL = '', url: path, method, body, headers }) {
	const kind = new OllamaApi().authenticate.properties.headers;
	const own = Object.fromEntries(Object.entries(kind).map(([name, value]) => [name, worked(value)]));
	const answer = await fetch(worked(baseURL) + path, {
		method,
		headers: { ...headers, ...own },
		body: body && JSON.stringify(body),
	});
	if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
	return answer.json();
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const given = (parameters) => ({
	logger: quiet,
	getNode: () => ({ name: 'Ollama', type: 'ollama', typeVersion: 1, parameters: {} }),
	getCredentials: async () => credentials,
	getNodeParameter: (name, _, otherwise) => (name in parameters ? parameters[name] : otherwise),
	getNodeInputs: () => [],
	getInputData: () => [{ json: {} }],
	continueOnFail: () => false,
	addInputData: () => ({ index: 0 }),
	addOutputData() {},
	getNextRunIndex: () => 0,
	getExecuteData: () => ({ metadata: {} }),
	setMetadata() {},
	getWorkflowSettings: () => ({}),
	logAiEvent() {},
	helpers: {
		getSecureEgressFilter: () => 'disabled',
		httpRequestWithAuthentication: async (_, options) => request(options),
	},
});

async function main() {
	const tested = await request(new OllamaApi().test.request);
	const listed = new LmChatOllama().description.properties.find((one) => one.name === 'model');
	const offered = await request({
		...new LmChatOllama().description.requestDefaults,
		...listed.typeOptions.loadOptions.routing.request,
	});

	const options = { temperature: 0, topK: 20, numCtx: 4096, keepAlive: '5m', format: 'default' };
	const { response: chat } = await new LmChatOllama().supplyData.call(given({ model, options }), 0);
	const weather = tool(async ({ city }) => `sunny in ${city}`, {
		name: 'get_weather',
		description: 'The weather of a city.',
		schema: z.object({ city: z.string() }),
	});
	const question = new HumanMessage('What is the weather in Paris?');
	const called = await chat.bindTools([weather]).invoke([question]);
	const turns = [question, called];
	for (const call of called.tool_calls) {
		turns.push(new ToolMessage({ content: await weather.invoke(call.args), tool_call_id: call.id }));
	}
	const answered = await chat.invoke(turns);
	const streamed = [];
	for await (const piece of await chat.stream('Say hello.')) streamed.push(piece.content);

	const { response: embeddings } = await new EmbeddingsOllama().supplyData.call(given({ model: 'emb' }), 0);
	const vectors = await embeddings.embedDocuments(['one', 'two']);

	const node = new Ollama();
	const found = await node.methods.listSearch.modelSearch.call(given({}), 'gen');
	const messages = [{ role: 'user', content: 'Say hello.' }];
	const asked = {
		resource: 'text',
		operation: 'message',
		modelId: model,
		'messages.values': messages,
		simplify: false,
		options: { system: 'Be brief.', temperature: 0, stop: 'one, two', format: '' },
	};
	const [[sent]] = await node.execute.call(given(asked));
	return {
		tested: tested.models.length,
		offered: offered.models.map((one) => one.name),
		found: found.results,
		calls: called.tool_calls.map(({ name, args }) => ({ name, args })),
		answer: answered.content,
		usage: answered.usage_metadata.output_tokens,
		streamed,
		vectors: vectors.map((one) => one.length),
		sent: sent.json.message.content,
		done: sent.json.done,
	};
}

main().then((told) => process.stdout.write(JSON.stringify(told)));
