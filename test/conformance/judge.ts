import { archiveFaults, frameFaults } from "./frames.ts";
import type { Answer } from "./http.ts";
import type { Operation, Response, Schema, Specification } from "./specification.ts";
import { validate, type Violation } from "./validate.ts";

const RECORD_SEPARATOR = "\u001e";
const MULTIPLEXED = "application/vnd.docker.multiplexed-stream";
/** Answers of these are JSON values one after another, whatever they call themselves. */
const STREAMS_OF_VALUES = new Set(["SystemEvents", "ContainerStats", "ImageCreate", "ImageLoad", "ImagePush", "ImageBuild"]);
/** Errors are JSON whatever a success would be. */
const ERROR_TYPE = "application/json";

/** The JSON values of an answer; none where it is something else. @throws SyntaxError where what calls itself JSON is none. */
export function valuesOf({ id }: Operation, { status, headers, body }: Answer): readonly unknown[] {
  const type = contentType(headers["content-type"]);
  if (body.byteLength === 0 || !/json/.test(type)) return [];
  const text = body.toString("utf8");
  if (status >= 400 || !STREAMS_OF_VALUES.has(id)) return [JSON.parse(text) as unknown];
  const lines = text.replaceAll(RECORD_SEPARATOR, "").split("\n");
  lines.pop(); // After the last newline there is nothing, or what was cut off when enough had come.
  return lines.map(line => JSON.parse(line) as unknown);
}

/** Everything in which an answer is not as the specification has it. */
export function violationsOf(operation: Operation, answer: Answer, specification: Specification): readonly Violation[] {
  const response = operation.responses[String(answer.status)];
  if (response === undefined) return [{ at: "", rule: `status ${answer.status} is not among those of the operation` }];
  return [
    ...headerViolations(answer, response),
    ...typeViolations(operation, answer),
    ...bodyViolations(operation, answer, { response, specification }),
  ];
}

function headerViolations({ headers }: Answer, { headers: listed = {} }: Response): readonly Violation[] {
  return Object.entries(listed).flatMap(([name, schema]) => {
    const value = headers[name.toLowerCase()];
    if (typeof value !== "string") return [{ at: `header ${name}`, rule: "required" }];
    const isFine = schema.enum?.includes(value) ?? (schema.type !== "boolean" || /^(true|false)$/.test(value));
    return isFine ? [] : [{ at: `header ${name}`, rule: `${value} is none of the enum` }];
  });
}

/** The name alone: what stands behind it is not told by the specification. */
function contentType(header: string | undefined): string {
  return (header ?? "").split(";")[0] ?? "";
}

function typeViolations({ method, produces }: Operation, { status, headers, body }: Answer): readonly Violation[] {
  if (body.byteLength === 0 || method === "HEAD" || produces.length === 0) return [];
  const type = contentType(headers["content-type"]);
  const listed = status >= 400 ? [ERROR_TYPE] : status === 101 ? [...produces, ""] : produces;
  return listed.includes(type) ? [] : [{ at: "header Content-Type", rule: `${type || "none"}, not ${listed.join(" or ")}` }];
}

function bodyViolations(
  operation: Operation,
  answer: Answer,
  { response, specification }: { readonly response: Response; readonly specification: Specification },
): readonly Violation[] {
  const { status, headers, body } = answer;
  if (operation.method === "HEAD" || status === 204 || status === 304) {
    return body.byteLength === 0 ? [] : [{ at: "", rule: "a body where there is none" }];
  }
  if (status >= 400 && body.byteLength === 0) return [{ at: "", rule: "no body" }];
  const type = contentType(headers["content-type"]);
  if (type === MULTIPLEXED) return frameFaults(body).map(rule => ({ at: "", rule }));
  if (type === "application/x-tar") return archiveFaults(body).map(rule => ({ at: "", rule }));
  return schemaViolations(operation, answer, { schema: response.schema, specification });
}

function schemaViolations(
  operation: Operation,
  answer: Answer,
  { schema, specification }: { readonly schema: Schema | undefined; readonly specification: Specification },
): readonly Violation[] {
  if (schema === undefined || answer.status === 101) return [];
  const isText = !/json/.test(contentType(answer.headers["content-type"]));
  if (isText && specification.resolve(schema).type === "string") return [];
  const values = valuesOf(operation, answer);
  if (values.length === 0) return [{ at: "", rule: "no value" }];
  return values.flatMap(value => validate(value, schema, specification));
}
