import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";

/** The Docker Engine API's own description, where it lies beside the project. */
export const SPECIFICATION_PATH = "../shared/spec/swagger.yaml";
export const hasSpecification = (): boolean => existsSync(SPECIFICATION_PATH);

/** A schema of Swagger 2.0: the part of JSON Schema that the description uses. */
export interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly "x-nullable"?: boolean;
  readonly "x-omitempty"?: boolean;
}

export interface Response {
  readonly schema?: Schema;
  readonly headers?: Readonly<Record<string, Schema>>;
}

export interface Operation {
  readonly id: string;
  readonly tag: string;
  readonly method: string;
  /** `/containers/{id}/json`. */
  readonly path: string;
  /** Content types of its answers; empty: those of the whole API. */
  readonly produces: readonly string[];
  /** Of the request. */
  readonly body?: Schema;
  readonly responses: Readonly<Record<string, Response>>;
}

interface Document {
  readonly info: { readonly version: string };
  readonly definitions: Readonly<Record<string, Schema>>;
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
}

interface RawOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly produces?: readonly string[];
  readonly parameters?: readonly { readonly in: string; readonly schema?: Schema }[];
  readonly responses: Readonly<Record<string, Response>>;
}

const METHODS = ["get", "head", "post", "put", "delete"];

function bodyOf(parameters: NonNullable<RawOperation["parameters"]>): Pick<Operation, "body"> {
  const body = parameters.find(parameter => parameter.in === "body")?.schema;
  return body === undefined ? {} : { body };
}

export class Specification {
  readonly version: string;
  readonly operations: readonly Operation[];
  readonly #definitions: Readonly<Record<string, Schema>>;

  constructor(document: Document) {
    this.version = document.info.version;
    this.#definitions = document.definitions;
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([method]) => METHODS.includes(method))
        .map(
          ([
            method,
            {
              operationId,
              tags: [tag = ""],
              produces = [],
              parameters = [],
              responses,
            },
          ]) => ({
            ...bodyOf(parameters),
            id: operationId,
            tag,
            method: method.toUpperCase(),
            path,
            produces,
            responses,
          }),
        ),
    );
  }

  static read(path = SPECIFICATION_PATH): Specification {
    return new Specification(parse(readFileSync(path, "utf8")) as Document);
  }

  operation(id: string): Operation {
    const found = this.operations.find(operation => operation.id === id);
    if (found === undefined) throw new Error(`the specification has no operation ${id}`);
    return found;
  }

  /** The schema itself, in place of a reference to it; what stands beside the reference is kept. */
  resolve(schema: Schema): Schema {
    if (schema.$ref === undefined) return schema;
    const { $ref, ...beside } = schema;
    const target = this.#definitions[$ref.replace("#/definitions/", "")];
    if (target === undefined) throw new Error(`the specification has no ${$ref}`);
    return { ...this.resolve(target), ...beside };
  }
}
