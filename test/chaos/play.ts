// One run, in a process of its own: main.ts starts it, hears how it went, and takes the lab away whatever became of it.
import { chaosOptions } from "./options.ts";
import { Player } from "./player.ts";

const [, , lab = "", ...args] = process.argv;
process.argv.splice(2, Infinity, ...args);
const summary = await new Player(chaosOptions()).play(lab);
await new Promise(resolve => process.send?.(summary, resolve));
process.disconnect?.();
