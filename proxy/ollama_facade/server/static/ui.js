// One page for eyes: the models, a chat that shows its frames, and whether the backend answers.
// Everything it asks is the API that every other client uses, on the host it came from.

const part = (id) => document.getElementById(id);
const conversation = [];
const LONGEST = 500; // lines of frames that are kept on the page
let running = null;

const headers = () => {
  const key = part("key").value.trim();
  return key ? { Authorization: `Bearer ${key}` } : {};
};

const asked = async (path, body) => {
  const answer = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: headers(),
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await complaint(answer));
  return answer.json();
};

const complaint = async (answer) => {
  const text = await answer.text();
  if (answer.status === 401) part("access").open = true;
  try {
    return JSON.parse(text).error || `status ${answer.status}`;
  } catch {
    return text || `status ${answer.status}`;
  }
};

const element = (name, text, kind) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};

const showHealth = (text, kind) => {
  part("health").textContent = text;
  part("health").className = kind;
};

// Rows are there at once; what is told of each model follows, one after the other.
const describe = async (name, row) => {
  try {
    const shown = await asked("/api/show", { model: name });
    const info = shown.model_info || {};
    const key = Object.keys(info).find((one) => one.endsWith(".context_length"));
    row.append(element("td", (shown.capabilities || []).join(", ") || "–"));
    row.append(element("td", key ? info[key].toLocaleString() : "–"));
  } catch (error) {
    row.append(element("td", error.message, "failed"), element("td", "–"));
  }
};

const load = async () => {
  let version;
  try {
    version = (await asked("/api/version")).version;
    const models = (await asked("/api/tags")).models || [];
    const count = models.length === 1 ? "1 model" : `${models.length} models`;
    showHealth(`Ollama ${version} · the backend answers · ${count}`, "good");
    const chosen = part("model").value;
    part("model").replaceChildren(...models.map((one) => new Option(one.name)));
    if (models.some((one) => one.name === chosen)) part("model").value = chosen;
    const rows = models.map((one) => {
      const row = element("tr");
      row.append(element("td", one.name));
      return row;
    });
    part("models").replaceChildren(...rows);
    for (const [index, one] of models.entries()) await describe(one.name, rows[index]);
  } catch (error) {
    showHealth(version ? `the backend: ${error.message}` : error.message, "bad");
  }
};

const lines = async function* (stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    rest += value;
    const found = rest.split("\n");
    rest = found.pop();
    yield* found.filter(Boolean);
  }
  if (rest) yield rest;
};

const showFigures = (final, frames, first) => {
  part("frames").textContent = frames;
  if (first) part("first").textContent = `${Math.round(first)} ms`;
  if (!final) return;
  part("tokens").textContent = final.eval_count ?? "–";
  const seconds = (final.eval_duration || 0) / 1e9;
  part("rate").textContent = seconds ? (final.eval_count / seconds).toFixed(1) : "–";
};

const keep = (kept, line) => {
  kept.push(line);
  if (kept.length > LONGEST) kept.shift();
  part("lines").textContent = kept.join("\n");
};

const answer = async (item) => {
  const began = performance.now();
  const kept = [];
  const told = { thinking: "", content: "" };
  const thinking = item.appendChild(element("span", "", "thinking"));
  const content = item.appendChild(element("span", ""));
  let frames = 0;
  let first = 0;
  const response = await fetch("/api/chat", {
    method: "POST",
    headers: headers(),
    body: JSON.stringify({ model: part("model").value, messages: conversation }),
    signal: running.signal,
  });
  if (!response.ok) throw new Error(await complaint(response));
  for await (const line of lines(response.body)) {
    const frame = JSON.parse(line);
    keep(kept, line);
    if (frame.error) throw new Error(frame.error);
    frames += 1;
    first ||= performance.now() - began;
    told.thinking += frame.message?.thinking || "";
    told.content += frame.message?.content || "";
    thinking.textContent = told.thinking && `${told.thinking}\n\n`;
    content.textContent = told.content;
    showFigures(frame.done ? frame : null, frames, first);
  }
  return told.content;
};

const send = async (event) => {
  event.preventDefault();
  const question = part("question").value.trim();
  if (running || !question) return;
  running = new AbortController();
  part("send").disabled = true;
  part("stop").disabled = false;
  for (const id of ["first", "frames", "tokens", "rate"]) part(id).textContent = "–";
  conversation.push({ role: "user", content: question });
  part("conversation").append(element("li", question, "user"));
  const item = element("li", undefined, "assistant");
  part("conversation").append(item);
  part("question").value = "";
  try {
    conversation.push({ role: "assistant", content: await answer(item) });
  } catch (error) {
    // What was not answered is not part of the conversation.
    conversation.pop();
    const text = error.name === "AbortError" ? "stopped" : error.message;
    item.append(element("p", text, "failed"));
    part("question").value ||= question;
  } finally {
    running = null;
    part("send").disabled = false;
    part("stop").disabled = true;
    part("question").focus();
  }
};

part("ask").addEventListener("submit", send);
part("stop").addEventListener("click", () => running?.abort());
part("use").addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});
part("clear").addEventListener("click", () => {
  running?.abort();
  conversation.length = 0;
  part("conversation").replaceChildren();
});
part("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    part("ask").requestSubmit();
  }
});
load();
