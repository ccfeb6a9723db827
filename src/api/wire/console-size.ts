import type { Codec } from "./codec.ts";
import { isAbsent, JsonTypeError } from "./codec.ts";
import { uint32 } from "./scalars.ts";

type ConsoleSize = readonly [heightCells: number, widthCells: number];

/** `[height, width]`; not given is `[0, 0]`. */
export const consoleSize: Codec<ConsoleSize | undefined> = {
  goType: "[2]uint",
  read(value, at) {
    if (isAbsent(value)) return undefined;
    if (!Array.isArray(value)) throw new JsonTypeError(value, "[2]uint", at);
    const [height, width] = value as readonly unknown[];
    const size: ConsoleSize = [uint32.read(height, at), uint32.read(width, at)];
    return size[0] === 0 && size[1] === 0 ? undefined : size;
  },
  write: value => value ?? [0, 0],
};
