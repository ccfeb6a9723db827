import { FlagValueError } from "../command/command.ts";
import { CliError, type Json, list, number, text } from "../context.ts";
import { withPath } from "./with-path.ts";

type Value = string | boolean | readonly string[];

const PATH = ["TaskTemplate", "Resources", "Reservations", "GenericResources"];
const INTEGER = /^[+-]?\d+$/;

/** `--generic-resource ssd=2`, and what an update adds and takes away, by kind. @throws CliError in the words of Docker's CLI. */
export const GENERIC_RESOURCE_CHANGES: Readonly<Record<string, (spec: Json, value: Value) => Json>> = {
  genericResource: (spec, value) => withPath(spec, PATH, [...parse("generic-resource", value)].map(resource)),
  genericResourceAdd: (spec, value) => {
    const byKind = new Map([...countsOf(spec), ...parse("generic-resource-add", value)]);
    return withPath(spec, PATH, [...byKind].map(resource));
  },
  genericResourceRm: (spec, value) => {
    const byKind = countsOf(spec);
    for (const kind of many(value))
      if (!byKind.delete(kind)) throw new CliError(`could not find generic-resource \`${kind}\` to remove it`);
    return withPath(spec, PATH, [...byKind].map(resource));
  },
};

function resource([Kind, Value]: readonly [kind: string, count: number]): Json {
  return { DiscreteResourceSpec: { Kind, Value } };
}

function countsOf(spec: Json): Map<string, number> {
  return new Map(
    list(spec, ...PATH).map(each => [text(each, "DiscreteResourceSpec", "Kind"), number(each, "DiscreteResourceSpec", "Value")]),
  );
}

function parse(flag: string, value: Value): ReadonlyMap<string, number> {
  const given = new Map<string, string[]>();
  for (const term of many(value)) {
    if (!term.includes("="))
      throw new FlagValueError(flag, term, `invalid generic-resource format \`${term}\` expected \`name=value\``);
    const [kind = "", amount = "", ...rest] = term.split("=").map(part => part.trim());
    if (rest.length > 0) throw unreadable(`incorrect term ${term}, missing '=' or malformed expression`);
    given.set(kind, [...(given.get(kind) ?? []), amount]);
  }
  return new Map([...given].map(([kind, amounts]) => [kind, countOf(kind, amounts)]));
}

function countOf(kind: string, amounts: readonly string[]): number {
  const [amount = ""] = amounts;
  if (!amounts.some(each => INTEGER.test(each)))
    throw new CliError(
      `invalid generic-resource request \`${kind}=${amount}\`, Named Generic Resources is not supported for service create or update`,
    );
  if (amounts.length > 1) throw unreadable(`mixed discrete and named resources in expression '${kind}=[${amounts.join(" ")}]'`);
  if (Number(amount) < 0) throw unreadable(`cannot ask for negative resource ${kind}`);
  return Number(amount);
}

function unreadable(why: string): CliError {
  return new CliError(`invalid generic resource specification: could not parse GenericResource: ${why}`);
}

function many(value: Value): readonly string[] {
  return typeof value === "object" ? value : [String(value)];
}
