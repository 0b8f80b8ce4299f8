// The page /docs: the service's own OpenAPI document in Swagger UI, ready to be tried.

/* global SwaggerUIBundle */

// The model that the examples of the document name.
const EXAMPLE_MODEL = "smollm2";

// A model that is there, best one that chats; null when there is none or a key is asked for.
async function modelToTry() {
  const answer = await fetch("/api/tags");
  if (!answer.ok) return null;
  const { models } = await answer.json();
  const chats = models.find((model) => model.capabilities?.includes("completion"));
  return (chats ?? models[0])?.name ?? null;
}

// The same data with another text in the place of one.
function replaced(data, text, other) {
  if (data === text) return other;
  if (data === null || typeof data !== "object") return data;
  if (Array.isArray(data)) return data.map((item) => replaced(item, text, other));
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, replaced(value, text, other)]),
  );
}

const spec = await (await fetch("/openapi.json")).json();
const model = await modelToTry();
if (model !== null) spec.paths = replaced(spec.paths, EXAMPLE_MODEL, model);

SwaggerUIBundle({
  spec,
  dom_id: "#page",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  docExpansion: "list",
  validatorUrl: null,
  responseInterceptor: (response) => {
    // One object a line is no JSON to the page, which would say so instead of showing the lines.
    const type = response.headers?.["content-type"] ?? "";
    if (type.startsWith("application/x-ndjson")) response.headers["content-type"] = "text/plain";
    return response;
  },
});
