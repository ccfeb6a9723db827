// An upgrade on real processes: three managers and two workers go from an earlier build to this one, one after another, while the cluster is used.
import { parsed, refuse } from "../command-line.ts";
import { importDemoServer, importBusybox, TestLab } from "../integration/lab/lab.ts";
import { Load } from "../integration/lab/load.ts";
import { EarlierBuild } from "./earlier-build.ts";
import { deployWeb, PORT, upgradeAll } from "./upgrade.ts";

const { values } = parsed({ options: { from: { type: "string" } } });
const { from } = values;
if (from === undefined) refuse("--from says which commit's build the cluster is upgraded from");
if (!(await EarlierBuild.hasCommit(from))) refuse(`there is no commit ${from}`);

/** Whoever ends the run from outside has it taken down first. */
const ended = new Promise<never>((_resolve, reject) => {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => reject(new Error(`ended by ${signal}`)));
});
ended.catch(() => undefined); // It may come before anybody waits for it.

await run(from).then(
  () => console.log(`upgraded from ${from}: all tasks ran on`),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  },
);
process.exit(); // What was under way when it was ended is waited for no more.

async function run(commit: string): Promise<void> {
  await using earlier = await EarlierBuild.of(commit);
  process.env["SHOAL_LAB_PROGRAM"] = earlier.program;
  await using lab = await TestLab.up({ managers: 3, workers: 2 });
  delete process.env["SHOAL_LAB_PROGRAM"];
  await Promise.all([importBusybox(lab.hosts), importDemoServer(lab.hosts)]);
  await Promise.race([ended, deployWeb(lab)]);
  await using load = Load.begin(lab, { port: PORT });
  await Promise.race([ended, upgradeAll(lab, { earlier, load })]);
}
