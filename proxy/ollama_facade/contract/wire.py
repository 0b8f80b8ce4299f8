"""The types of the wire: what a request may hold, what an answer looks like.

Generated from openapi/ollama.yaml by `make generate`. Do not edit.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, Optional, TypeAlias, TypedDict


class AnthropicBlock(TypedDict):
    """
    One block of a message: a text, an image, a thought, a call of a tool, or its result.
    """

    type: NotRequired[str | None]
    text: NotRequired[str | None]
    citations: NotRequired[list[AnthropicCitation | None] | None]
    source: NotRequired[AnthropicImageSource | None]
    id: NotRequired[str | None]
    name: NotRequired[str | None]
    input: NotRequired[dict[str, Any] | None]
    tool_use_id: NotRequired[str | None]
    content: NotRequired[Any | None]
    is_error: NotRequired[bool | None]
    thinking: NotRequired[str | None]
    signature: NotRequired[str | None]


class AnthropicCitation(TypedDict):
    """
    Where a text comes from.
    """

    type: NotRequired[str | None]
    url: NotRequired[str | None]
    title: NotRequired[str | None]
    encrypted_index: NotRequired[str | None]
    cited_text: NotRequired[str | None]


class AnthropicError(TypedDict):
    """
    Why there is no answer, in Anthropic's envelope.
    """

    type: str
    error: Error1
    request_id: str


class AnthropicImageSource(TypedDict):
    """
    An image.
    """

    type: NotRequired[str | None]
    media_type: NotRequired[str | None]
    data: NotRequired[str | None]
    url: NotRequired[str | None]


class AnthropicMessage(TypedDict):
    """
    One turn of a conversation.
    """

    role: NotRequired[str | None]
    content: NotRequired[str | list[AnthropicBlock | None] | None]


class AnthropicMetadata(TypedDict):
    """
    Not looked at.
    """

    user_id: NotRequired[str | None]


class AnthropicOutputConfig(TypedDict):
    """
    How to answer.
    """

    effort: NotRequired[str | None]


class AnthropicThinking(TypedDict):
    """
    Whether to think.
    """

    type: NotRequired[str | None]
    budget_tokens: NotRequired[int | None]


class AnthropicTool(TypedDict):
    """
    A tool that the model may call.
    """

    type: NotRequired[str | None]
    name: NotRequired[str | None]
    description: NotRequired[str | None]
    input_schema: NotRequired[ToolFunctionParameters | None]
    max_uses: NotRequired[int | None]


class AnthropicToolChoice(TypedDict):
    """
    Which tool to call; not looked at.
    """

    type: NotRequired[str | None]
    name: NotRequired[str | None]
    disable_parallel_tool_use: NotRequired[bool | None]


class ChatCompletionRequest(TypedDict):
    """
    Continue a conversation. What OpenAI documents beyond these fields goes on as it is.
    """

    model: NotRequired[str | None]
    messages: NotRequired[list[OpenaiMessage | None] | None]
    stream: NotRequired[bool | None]
    stream_options: NotRequired[OpenaiStreamOptions | None]
    max_tokens: NotRequired[int | None]
    seed: NotRequired[int | None]
    stop: NotRequired[Any | None]
    temperature: NotRequired[float | None]
    top_p: NotRequired[float | None]
    frequency_penalty: NotRequired[float | None]
    presence_penalty: NotRequired[float | None]
    response_format: NotRequired[OpenaiResponseFormat | None]
    tools: NotRequired[list[Tool | None] | None]
    reasoning: NotRequired[OpenaiReasoning | None]
    reasoning_effort: NotRequired[str | None]
    logprobs: NotRequired[bool | None]
    top_logprobs: NotRequired[int | None]


class ChatRequest(TypedDict):
    """
    Answer the last message of a conversation. Without messages the model is loaded, or unloaded when `keep_alive` is zero.
    """

    model: NotRequired[str | None]
    messages: NotRequired[list[Message | None] | None]
    stream: NotRequired[bool | None]
    format: NotRequired[Format | None]
    keep_alive: NotRequired[KeepAlive | None]
    tools: NotRequired[list[Tool | None] | None]
    options: NotRequired[Options | None]
    think: NotRequired[Think | None]
    truncate: NotRequired[bool | None]
    shift: NotRequired[bool | None]
    _debug_render_only: NotRequired[bool | None]
    logprobs: NotRequired[bool | None]
    top_logprobs: NotRequired[int | None]


class ChatResponse(TypedDict):
    """
    One piece of an answer to a chat, or the whole of it.
    """

    model: str
    remote_model: NotRequired[str]
    remote_host: NotRequired[str]
    created_at: str
    message: ResponseMessage
    done: bool
    done_reason: NotRequired[Literal["stop", "length", "load", "unload"]]
    _debug_info: NotRequired[DebugInfo]
    logprobs: NotRequired[list[Logprob]]
    total_duration: NotRequired[int]
    load_duration: NotRequired[int]
    prompt_eval_count: NotRequired[int]
    prompt_eval_duration: NotRequired[int]
    eval_count: NotRequired[int]
    eval_duration: NotRequired[int]


class CloudStatus(TypedDict):
    """
    Whether Ollama's cloud can be used.
    """

    disabled: bool
    source: Literal["none", "env", "config", "both"]


class CompletionRequest(TypedDict):
    """
    Continue a text.
    """

    model: NotRequired[str | None]
    prompt: NotRequired[str | None]
    suffix: NotRequired[str | None]
    stream: NotRequired[bool | None]
    stream_options: NotRequired[OpenaiStreamOptions | None]
    max_tokens: NotRequired[int | None]
    seed: NotRequired[int | None]
    stop: NotRequired[Any | None]
    temperature: NotRequired[float | None]
    top_p: NotRequired[float | None]
    frequency_penalty: NotRequired[float | None]
    presence_penalty: NotRequired[float | None]
    logprobs: NotRequired[int | None]


class CopyRequest(TypedDict):
    """
    Give a model a second name.
    """

    source: NotRequired[str | None]
    destination: NotRequired[str | None]


CreateRequest = TypedDict(
    "CreateRequest",
    {
        "model": NotRequired[str | None],
        "name": NotRequired[str | None],
        "from": NotRequired[str | None],
        "files": NotRequired[Optional[dict[str, str | None]]],
        "adapters": NotRequired[Optional[dict[str, str | None]]],
        "draft_files": NotRequired[Optional[dict[str, str | None]]],
        "template": NotRequired[str | None],
        "license": NotRequired[Optional[Any]],
        "system": NotRequired[str | None],
        "parameters": NotRequired[Optional["Options"]],
        "messages": NotRequired[Optional[list[Optional["Message"]]]],
        "quantize": NotRequired[str | None],
        "quantization": NotRequired[str | None],
        "draft_quantize": NotRequired[str | None],
        "renderer": NotRequired[str | None],
        "parser": NotRequired[str | None],
        "requires": NotRequired[str | None],
        "remote_host": NotRequired[str | None],
        "info": NotRequired[Optional[dict[str, Any]]],
        "stream": NotRequired[bool | None],
    },
)


class Datum(TypedDict):
    object: str
    embedding: Any
    index: int


class DebugInfo(TypedDict):
    """
    The prompt that would have been sent.
    """

    rendered_template: str
    image_count: NotRequired[int]


class DeleteRequest(TypedDict):
    """
    Remove a model.
    """

    model: NotRequired[str | None]
    name: NotRequired[str | None]


class EmbedRequest(TypedDict):
    """
    Turn one text or many into vectors of length one.
    """

    model: NotRequired[str | None]
    input: NotRequired[Any | None]
    truncate: NotRequired[bool | None]
    dimensions: NotRequired[int | None]
    keep_alive: NotRequired[KeepAlive | None]
    options: NotRequired[Options | None]


class EmbedResponse(TypedDict):
    """
    Vectors, one for each text.
    """

    model: str
    embeddings: list[list[float]]
    total_duration: NotRequired[int]
    load_duration: NotRequired[int]
    prompt_eval_count: NotRequired[int]


class EmbeddingRequest(TypedDict):
    """
    Turn one text into a vector. The older form of embed; nothing is cut.
    """

    model: NotRequired[str | None]
    prompt: NotRequired[str | None]
    keep_alive: NotRequired[KeepAlive | None]
    options: NotRequired[Options | None]


class EmbeddingResponse(TypedDict):
    """
    One vector.
    """

    embedding: list[float]


class Error(TypedDict):
    """
    Why there is no answer, or why it breaks off.
    """

    error: str
    signin_url: NotRequired[str]


class Error1(TypedDict):
    """
    The error.
    """

    type: str
    message: str


class Error2(TypedDict):
    """
    The error.
    """

    message: str
    type: str
    param: str | None
    code: str | None


Format: TypeAlias = Any | None


class GenerateRequest(TypedDict):
    """
    Continue one prompt. Without a prompt the model is loaded, or unloaded when `keep_alive` is zero.
    """

    model: NotRequired[str | None]
    prompt: NotRequired[str | None]
    suffix: NotRequired[str | None]
    system: NotRequired[str | None]
    template: NotRequired[str | None]
    context: NotRequired[list[int | None] | None]
    stream: NotRequired[bool | None]
    raw: NotRequired[bool | None]
    format: NotRequired[Format | None]
    keep_alive: NotRequired[KeepAlive | None]
    images: NotRequired[list[ImageData | None] | None]
    options: NotRequired[Options | None]
    think: NotRequired[Think | None]
    truncate: NotRequired[bool | None]
    shift: NotRequired[bool | None]
    _debug_render_only: NotRequired[bool | None]
    logprobs: NotRequired[bool | None]
    top_logprobs: NotRequired[int | None]


class GenerateResponse(TypedDict):
    """
    One piece of a continued prompt, or the whole of it.
    """

    model: str
    remote_model: NotRequired[str]
    remote_host: NotRequired[str]
    created_at: str
    response: str
    thinking: NotRequired[str]
    done: bool
    done_reason: NotRequired[Literal["stop", "length", "load", "unload"]]
    context: NotRequired[list[int]]
    total_duration: NotRequired[int]
    load_duration: NotRequired[int]
    prompt_eval_count: NotRequired[int]
    prompt_eval_duration: NotRequired[int]
    eval_count: NotRequired[int]
    eval_duration: NotRequired[int]
    tool_calls: NotRequired[list[ResponseToolCall]]
    _debug_info: NotRequired[DebugInfo]
    logprobs: NotRequired[list[Logprob]]


ImageData: TypeAlias = str | list[int | None] | None


KeepAlive: TypeAlias = float | str | None


class ListModelResponse(TypedDict):
    """
    One model of the list.
    """

    name: str
    model: str
    remote_model: NotRequired[str]
    remote_host: NotRequired[str]
    modified_at: str
    size: int
    digest: str
    details: ModelDetails
    capabilities: NotRequired[
        list[
            Literal[
                "completion", "tools", "insert", "vision", "embedding", "thinking", "image", "audio"
            ]
        ]
    ]


class ListResponse(TypedDict):
    """
    The models.
    """

    models: list[ListModelResponse]


class Logprob(TypedDict):
    """
    How likely one token was.
    """

    token: str
    logprob: float
    bytes: NotRequired[list[int]]
    top_logprobs: NotRequired[list[TokenLogprob]]


class Message(TypedDict):
    """
    One turn of a conversation. Nothing in it is required.
    """

    role: NotRequired[str | None]
    content: NotRequired[str | None]
    thinking: NotRequired[str | None]
    images: NotRequired[list[ImageData | None] | None]
    tool_calls: NotRequired[list[ToolCall | None] | None]
    tool_name: NotRequired[str | None]
    tool_call_id: NotRequired[str | None]


class MessagesRequest(TypedDict):
    """
    Continue a conversation, in Anthropic's form.
    """

    model: NotRequired[str | None]
    max_tokens: NotRequired[int | None]
    messages: NotRequired[list[AnthropicMessage | None] | None]
    system: NotRequired[Any | None]
    stream: NotRequired[bool | None]
    temperature: NotRequired[float | None]
    top_p: NotRequired[float | None]
    top_k: NotRequired[int | None]
    stop_sequences: NotRequired[list[str | None] | None]
    tools: NotRequired[list[AnthropicTool | None] | None]
    tool_choice: NotRequired[AnthropicToolChoice | None]
    thinking: NotRequired[AnthropicThinking | None]
    metadata: NotRequired[AnthropicMetadata | None]
    output_config: NotRequired[AnthropicOutputConfig | None]


class ModelDetails(TypedDict):
    """
    What kind of model it is. The texts are empty when that is unknown.
    """

    parent_model: str
    format: str
    family: str
    families: list[str] | None
    parameter_size: str
    quantization_level: str
    context_length: NotRequired[int]
    embedding_length: NotRequired[int]


class ModelRecommendation(TypedDict):
    """
    One model to begin with.
    """

    model: str
    description: str
    context_length: NotRequired[int]
    max_output_tokens: NotRequired[int]
    vram_bytes: NotRequired[int]
    required_plan: NotRequired[str]


class ModelRecommendationsResponse(TypedDict):
    """
    Models to begin with.
    """

    recommendations: list[ModelRecommendation]


class OpenaiAnswer(TypedDict):
    """
    An answer in the form of the foreign API, with every field that the backend gave.
    """

    id: str
    model: str


class OpenaiEmbedRequest(TypedDict):
    """
    Turn texts into vectors.
    """

    input: NotRequired[Any | None]
    model: NotRequired[str | None]
    dimensions: NotRequired[int | None]
    encoding_format: NotRequired[str | None]


class OpenaiEmbeddings(TypedDict):
    """
    Vectors.
    """

    object: str
    data: list[Datum]
    model: str
    usage: Usage


class OpenaiError(TypedDict):
    """
    Why there is no answer, in OpenAI's envelope.
    """

    error: Error2


class OpenaiFunction(TypedDict):
    """
    The function of a call.
    """

    name: NotRequired[str | None]
    arguments: NotRequired[str | None]


class OpenaiJsonSchema(TypedDict):
    """
    A schema, and what OpenAI has beside it.
    """

    schema: NotRequired[Any | None]


class OpenaiMessage(TypedDict):
    """
    One message.
    """

    role: NotRequired[str | None]
    content: NotRequired[Any | None]
    reasoning: NotRequired[str | None]
    tool_calls: NotRequired[list[OpenaiToolCall | None] | None]
    name: NotRequired[str | None]
    tool_call_id: NotRequired[str | None]


class OpenaiModel(TypedDict):
    """
    One model in OpenAI's form.
    """

    id: str
    object: str
    created: int
    owned_by: str


class OpenaiModels(TypedDict):
    """
    The models in OpenAI's form.
    """

    object: str
    data: list[OpenaiModel] | None


class OpenaiReasoning(TypedDict):
    """
    How much to think.
    """

    effort: NotRequired[str | None]


class OpenaiResponseFormat(TypedDict):
    """
    The form of the answer.
    """

    type: NotRequired[str | None]
    json_schema: NotRequired[OpenaiJsonSchema | None]


class OpenaiStreamOptions(TypedDict):
    """
    What else a stream tells.
    """

    include_usage: NotRequired[bool | None]


class OpenaiToolCall(TypedDict):
    """
    A call of a tool.
    """

    id: NotRequired[str | None]
    index: NotRequired[int | None]
    type: NotRequired[str | None]
    function: NotRequired[OpenaiFunction | None]


class OpenaiTranscription(TypedDict):
    """
    What was said.
    """

    text: str


class Options(TypedDict):
    """
    How to generate. Unknown options are ignored, and so are those that Ollama once had (`mirostat`, `tfs_z`, `penalize_newline`, `numa`, …). A value of the wrong type is a 500, and late, so the types here say what is meant and are not checked with the body. `x-backend` says where an option goes: `openai` is a parameter of OpenAI's own, `extended` one that some backends know, `load` is settled when the backend starts, `none` goes nowhere.
    """

    num_ctx: NotRequired[Any]
    num_batch: NotRequired[Any]
    num_gpu: NotRequired[Any]
    main_gpu: NotRequired[Any]
    use_mmap: NotRequired[Any]
    num_thread: NotRequired[Any]
    draft_num_predict: NotRequired[Any]
    num_keep: NotRequired[Any]
    seed: NotRequired[Any]
    num_predict: NotRequired[Any]
    top_k: NotRequired[Any]
    top_p: NotRequired[Any]
    min_p: NotRequired[Any]
    typical_p: NotRequired[Any]
    repeat_last_n: NotRequired[Any]
    temperature: NotRequired[Any]
    repeat_penalty: NotRequired[Any]
    presence_penalty: NotRequired[Any]
    frequency_penalty: NotRequired[Any]
    stop: NotRequired[Any]


class ProcessModelResponse(TypedDict):
    """
    One model in use.
    """

    name: str
    model: str
    size: int
    digest: str
    details: ModelDetails
    expires_at: str
    size_vram: int
    context_length: int


class ProcessResponse(TypedDict):
    """
    The models in use.
    """

    models: list[ProcessModelResponse]


class ProgressResponse(TypedDict):
    """
    One step of a pull, push or create.
    """

    status: str
    digest: NotRequired[str]
    total: NotRequired[int]
    completed: NotRequired[int]


class PullRequest(TypedDict):
    """
    Bring a model here.
    """

    model: NotRequired[str | None]
    name: NotRequired[str | None]
    insecure: NotRequired[bool | None]
    username: NotRequired[str | None]
    password: NotRequired[str | None]
    stream: NotRequired[bool | None]


class PushRequest(TypedDict):
    """
    Send a model to a registry.
    """

    model: NotRequired[str | None]
    name: NotRequired[str | None]
    insecure: NotRequired[bool | None]
    username: NotRequired[str | None]
    password: NotRequired[str | None]
    stream: NotRequired[bool | None]


class ResponseMessage(TypedDict):
    """
    What the model says.
    """

    role: str
    content: str
    thinking: NotRequired[str]
    tool_calls: NotRequired[list[ResponseToolCall]]


class ResponseToolCall(TypedDict):
    """
    One call that the model asks for.
    """

    id: NotRequired[str]
    function: ResponseToolCallFunction


class ResponseToolCallFunction(TypedDict):
    """
    The function to call, and with what.
    """

    index: int
    name: str
    arguments: dict[str, Any]


class ResponsesFilePart(TypedDict):
    """
    A file, which is refused.
    """

    type: Literal["input_file"] | None
    file_data: NotRequired[str | None]
    file_id: NotRequired[str | None]
    file_url: NotRequired[str | None]
    filename: NotRequired[str | None]


class ResponsesFunctionCall(TypedDict):
    """
    A call that the model made.
    """

    id: NotRequired[str | None]
    type: Literal["function_call"] | None
    call_id: NotRequired[str | None]
    name: NotRequired[str | None]
    arguments: NotRequired[str | None]


class ResponsesFunctionCallOutput(TypedDict):
    """
    The result of a call.
    """

    type: Literal["function_call_output"] | None
    call_id: NotRequired[str | None]
    output: NotRequired[str | list[ResponsesPart] | None]


class ResponsesImagePart(TypedDict):
    """
    An image.
    """

    type: Literal["input_image"] | None
    detail: NotRequired[str | None]
    file_id: NotRequired[str | None]
    image_url: NotRequired[str | None]


class ResponsesMessage(TypedDict):
    """
    A turn of a conversation.
    """

    type: NotRequired[Literal["message", ""] | None]
    role: NotRequired[str | None]
    content: NotRequired[str | list[ResponsesPart] | None]


class ResponsesOutputTextPart(TypedDict):
    """
    A text that the model said.
    """

    type: Literal["output_text"] | None
    text: NotRequired[str | None]


class ResponsesReasoning(TypedDict):
    """
    How much to think.
    """

    effort: NotRequired[str | None]
    generate_summary: NotRequired[str | None]
    summary: NotRequired[str | None]


class ResponsesReasoningItem(TypedDict):
    """
    What the model thought.
    """

    id: NotRequired[str | None]
    type: Literal["reasoning"] | None
    summary: NotRequired[list[ResponsesSummary | None] | None]
    encrypted_content: NotRequired[str | None]


class ResponsesRequest(TypedDict):
    """
    Make a response, in OpenAI's newer form.
    """

    model: NotRequired[str | None]
    background: NotRequired[bool | None]
    conversation: NotRequired[Any | None]
    include: NotRequired[list[str | None] | None]
    input: NotRequired[str | list[ResponsesItem] | None]
    instructions: NotRequired[str | None]
    max_output_tokens: NotRequired[int | None]
    reasoning: NotRequired[ResponsesReasoning | None]
    temperature: NotRequired[float | None]
    text: NotRequired[ResponsesText | None]
    top_p: NotRequired[float | None]
    truncation: NotRequired[str | None]
    tools: NotRequired[list[ResponsesTool | None] | None]
    stream: NotRequired[bool | None]


class ResponsesSummary(TypedDict):
    """
    A part of a summary.
    """

    type: NotRequired[str | None]
    text: NotRequired[str | None]


class ResponsesText(TypedDict):
    """
    The form of the text.
    """

    format: NotRequired[ResponsesTextFormat | None]


class ResponsesTextFormat(TypedDict):
    """
    The form of the answer.
    """

    type: NotRequired[str | None]
    name: NotRequired[str | None]
    schema: NotRequired[Any | None]
    strict: NotRequired[bool | None]


class ResponsesTextPart(TypedDict):
    """
    A text.
    """

    type: Literal["input_text"] | None
    text: NotRequired[str | None]


ResponsesPart: TypeAlias = (
    ResponsesTextPart | ResponsesOutputTextPart | ResponsesImagePart | ResponsesFilePart | None
)


class ResponsesTool(TypedDict):
    """
    A tool that the model may call, or several in a namespace.
    """

    type: NotRequired[str | None]
    name: NotRequired[str | None]
    description: NotRequired[str | None]
    strict: NotRequired[bool | None]
    parameters: NotRequired[ToolFunctionParameters | None]
    tools: NotRequired[list[ResponsesTool | None] | None]


class ResponsesWebSearchCall(TypedDict):
    """
    A search that was made before; it is left out.
    """

    id: NotRequired[str | None]
    type: Literal["web_search_call"] | None
    status: NotRequired[str | None]
    action: NotRequired[Any | None]


ResponsesItem: TypeAlias = (
    ResponsesMessage
    | ResponsesFunctionCall
    | ResponsesFunctionCallOutput
    | ResponsesReasoningItem
    | ResponsesWebSearchCall
    | None
)


class ShowMessage(TypedDict):
    """
    One message that a model brings along.
    """

    role: str
    content: str


class ShowRequest(TypedDict):
    """
    Ask what is known of one model.
    """

    model: NotRequired[str | None]
    name: NotRequired[str | None]
    verbose: NotRequired[bool | None]
    system: NotRequired[str | None]
    template: NotRequired[str | None]
    options: NotRequired[Options | None]


class ShowResponse(TypedDict):
    """
    What is known of a model.
    """

    license: NotRequired[str]
    modelfile: NotRequired[str]
    parameters: NotRequired[str]
    template: NotRequired[str]
    system: NotRequired[str]
    details: ModelDetails
    messages: NotRequired[list[ShowMessage]]
    remote_model: NotRequired[str]
    remote_host: NotRequired[str]
    model_info: dict[str, Any]
    projector_info: NotRequired[dict[str, Any]]
    tensors: NotRequired[list[Tensor]]
    capabilities: NotRequired[
        list[
            Literal[
                "completion", "tools", "insert", "vision", "embedding", "thinking", "image", "audio"
            ]
        ]
    ]
    modified_at: str
    requires: NotRequired[str]


class StatusResponse(TypedDict):
    """
    The state of the service.
    """

    cloud: CloudStatus


class Tensor(TypedDict):
    """
    One tensor of the weights file.
    """

    name: str
    type: str
    shape: list[int]


Think: TypeAlias = bool | Literal["high", "medium", "low", "max"] | None


class TokenLogprob(TypedDict):
    """
    How likely an alternative was.
    """

    token: str
    logprob: float
    bytes: NotRequired[list[int]]


class Tool(TypedDict):
    """
    One function that the model may ask for.
    """

    type: NotRequired[str | None]
    items: NotRequired[Any | None]
    function: NotRequired[ToolFunction | None]


class ToolCall(TypedDict):
    """
    One call that the assistant asked for.
    """

    id: NotRequired[str | None]
    function: NotRequired[ToolCallFunction | None]


class ToolCallFunction(TypedDict):
    """
    The function to call, and with what.
    """

    index: NotRequired[int | None]
    name: NotRequired[str | None]
    arguments: NotRequired[dict[str, Any] | None]


class ToolFunction(TypedDict):
    """
    What the function is called, what it does, what it takes.
    """

    name: NotRequired[str | None]
    description: NotRequired[str | None]
    parameters: NotRequired[ToolFunctionParameters | None]


ToolFunctionParameters = TypedDict(
    "ToolFunctionParameters",
    {
        "type": NotRequired[str | None],
        "$defs": NotRequired[Optional[Any]],
        "items": NotRequired[Optional[Any]],
        "required": NotRequired[Optional[list[str | None]]],
        "properties": NotRequired[Optional["ToolPropertiesMap"]],
    },
)


class ToolProperty(TypedDict):
    """
    One argument.
    """

    anyOf: NotRequired[list[ToolProperty | None] | None]
    type: NotRequired[str | list[str | None] | None]
    items: NotRequired[Any | None]
    description: NotRequired[str | None]
    enum: NotRequired[list[Any] | None]
    properties: NotRequired[ToolPropertiesMap | None]
    required: NotRequired[list[str | None] | None]


ToolPropertiesMap: TypeAlias = dict[str, ToolProperty | None]
"""
The arguments by name. Their order is kept.
"""


class Usage(TypedDict):
    """
    What it took.
    """

    prompt_tokens: int
    total_tokens: int


class UserResponse(TypedDict):
    """
    An account on ollama.com.
    """

    id: str
    email: str
    name: str
    bio: NotRequired[str]
    avatarurl: NotRequired[str]
    firstname: NotRequired[str]
    lastname: NotRequired[str]
    plan: str


class VersionResponse(TypedDict):
    """
    The version.
    """

    version: str


class WebFetchRequest(TypedDict):
    """
    What to read. The body is handed on as it is, so nothing in it is checked.
    """

    url: NotRequired[Any]


class WebFetchResponse(TypedDict):
    """
    One page.
    """

    title: str
    content: str
    links: NotRequired[list[str]]


class WebSearchRequest(TypedDict):
    """
    What to look for. The body is handed on as it is, so nothing in it is checked.
    """

    query: NotRequired[Any]
    max_results: NotRequired[Any]


class WebSearchResponse(TypedDict):
    """
    What a search found.
    """

    results: list[WebSearchResult]


class WebSearchResult(TypedDict):
    """
    One page that a search found.
    """

    title: str
    url: str
    content: str
