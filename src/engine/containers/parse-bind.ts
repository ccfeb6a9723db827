import { posix } from "node:path";
import { OperationError } from "../../lib/errors.ts";
import { checkVolumeName } from "../volumes/volume-name.ts";
import type { BindPlan, VolumePlan } from "./mount-plan.ts";

const PROPAGATIONS = new Set(["private", "rprivate", "slave", "rslave", "shared", "rshared"]);
const LABELS = new Set(["z", "Z"]);
const ACCESS = new Set(["ro", "rw"]);
const CONSISTENCY = new Set(["consistent", "cached", "delegated"]);

/** `source:target[:options]`, as `-v` gives it. @throws OperationError `invalid` in Docker's words. */
export function parseBind(text: string, options: { readonly volumeDriver: string }): BindPlan | VolumePlan {
  const parts = text.split(":");
  const [first = "", second, mode = ""] = parts;
  if (parts.length > 3 || first === "") throw new OperationError("invalid", `invalid volume specification: '${text}'`);
  if (second === undefined) return volumePlan({ name: "", destination: checkTarget(first, text), mode: "", ...options });
  const destination = checkTarget(second, text);
  checkMode(mode, text);
  if (!first.startsWith("/")) {
    checkVolumeName(first);
    return volumePlan({ name: first, destination, mode, ...options });
  }
  const words = modeWords(mode);
  if (words.includes("nocopy")) throw new OperationError("internal", `invalid mode: ${mode}`);
  return {
    kind: "bind",
    source: cleanPath(first),
    destination,
    isWritable: !words.includes("ro"),
    propagation: words.find(word => PROPAGATIONS.has(word)) ?? "",
    isRecursive: true,
    createsSource: true,
    mode,
    readOnlySubmounts: "possible",
  };
}

/** A path without `.`, `..` and a slash at its end. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}

function volumePlan(request: {
  readonly name: string;
  readonly destination: string;
  readonly mode: string;
  readonly volumeDriver: string;
}): VolumePlan {
  const words = modeWords(request.mode);
  return {
    kind: "volume",
    name: request.name,
    driver: request.volumeDriver || "local",
    driverOptions: {},
    labels: {},
    source: "",
    destination: request.destination,
    isWritable: !words.includes("ro"),
    subpath: "",
    copiesImage: !words.includes("nocopy"),
    isAnonymous: request.name === "",
    mode: request.mode || (request.name === "" ? "" : "z"),
  };
}

export function anonymousVolume(destination: string, volumeDriver: string): VolumePlan {
  return volumePlan({ name: "", destination, mode: "", volumeDriver });
}

function checkTarget(target: string, text: string): string {
  if (!target.startsWith("/")) {
    throw new OperationError(
      "invalid",
      `invalid volume specification: '${text}': invalid mount config for type "volume": invalid mount path: '${target}' mount path must be absolute`,
    );
  }
  const path = cleanPath(target);
  if (path === "/") throw new OperationError("invalid", `invalid volume specification: '${text}': destination can't be '/'`);
  return path;
}

function checkMode(mode: string, text: string): void {
  const words = modeWords(mode);
  const count = (known: ReadonlySet<string>) => words.filter(word => known.has(word)).length;
  const isKnown = words.every(
    word => PROPAGATIONS.has(word) || LABELS.has(word) || ACCESS.has(word) || CONSISTENCY.has(word) || word === "nocopy",
  );
  const isSingle = [PROPAGATIONS, LABELS, ACCESS, CONSISTENCY].every(known => count(known) <= 1);
  if (!isKnown || !isSingle) {
    if (mode === "") throw new OperationError("invalid", `invalid volume specification: '${text}'`);
    throw new OperationError("internal", `invalid mode: ${mode}`); // Docker answers 500.
  }
}

function modeWords(mode: string): readonly string[] {
  return mode === "" ? [] : mode.split(",");
}
