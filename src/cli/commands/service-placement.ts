import { FlagValueError } from "../command/command.ts";
import { type Json, list, text } from "../context.ts";
import { splitAt } from "./container-values.ts";
import { withPath } from "./with-path.ts";

type Value = string | boolean | readonly string[];

const PREFERENCES = ["TaskTemplate", "Placement", "Preferences"];

/** Preferences stand in order: the first is spread over first. */
export const PREFERENCE_CHANGES: Readonly<Record<string, (spec: Json, value: Value) => Json>> = {
  placementPref: (spec, value) => withPath(spec, PREFERENCES, preferences("placement-pref", value)),
  placementPrefAdd: (spec, value) =>
    withPath(spec, PREFERENCES, [...list(spec, ...PREFERENCES), ...preferences("placement-pref-add", value)]),
  placementPrefRm: (spec, value) => {
    const gone = preferences("placement-pref-rm", value).map(descriptor);
    const kept = list(spec, ...PREFERENCES).filter(preference => !gone.includes(descriptor(preference)));
    return withPath(spec, PREFERENCES, kept);
  },
};

function descriptor(preference: Json): string {
  return text(preference, "Spread", "SpreadDescriptor");
}

function preferences(flag: string, value: Value): readonly Json[] {
  return (typeof value === "object" ? value : [String(value)]).map(given => {
    if (!given.includes("="))
      throw new FlagValueError(flag, given, 'placement preference must be of the format "<strategy>=<arg>"');
    const [strategy, argument] = splitAt(given, "=");
    if (strategy !== "spread")
      throw new FlagValueError(flag, given, `unsupported placement preference ${strategy} (only spread is supported)`);
    return { Spread: { SpreadDescriptor: argument } };
  });
}
