// Measures what is promised. `npm run bench` runs all, `npm run bench -- raft scheduler` some. Exit code 1 when a gate is missed.
import { benchContainers } from "./containers.ts";
import { benchLogs } from "./logs.ts";
import { benchRaft } from "./raft.ts";
import { benchScheduler } from "./scheduler.ts";
import { benchStats } from "./stats.ts";

const wanted = process.argv.slice(2);
const runs = (name: string): boolean => wanted.length === 0 || wanted.includes(name);
let isMet = true;
if (runs("scheduler")) benchScheduler();
if (runs("raft")) await benchRaft();
if (runs("containers")) isMet = await benchContainers();
if (runs("stats")) isMet = (await benchStats()) && isMet;
if (runs("logs")) isMet = (await benchLogs()) && isMet;
process.exitCode = isMet ? 0 : 1;
