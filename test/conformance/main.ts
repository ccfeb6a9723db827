// Walks the specification on the real Docker Engine and on ours and prints what each breaks, and where their keys differ.
//   node --import=tsx test/conformance/main.ts [part of a case's name]
// With SHOW=1 in the environment every answer is printed too.
import { caseName } from "./case.ts";
import { CASES } from "./cases/all.ts";
import { coverageTable } from "./coverage.ts";
import { differencesIn, faultsIn, newViolations } from "./compare.ts";
import { Hosts } from "./hosts.ts";
import { Specification } from "./specification.ts";
import { VERSIONS_COMPARED, type Walk, walkAll } from "./walk.ts";

const SLOWEST_SHOWN = 10;
const filter = process.argv[2] ?? "";
const cases = CASES.filter(one => caseName(one).includes(filter));
const specification = Specification.read();
await using hosts = await Hosts.start();
const walks = await walkAll(hosts, { cases, specification });
const all = [...walks.real.values(), ...walks.ours.values()];
for (const { host, version, shown, tookMs } of all) {
  console.log(`== ${host.name} ${version}: ${shown.size} cases, ${(tookMs / 1000).toFixed(1)} s`);
}
const slowest = all.flatMap(walk => [...walk.shown.values()].flatMap(one => (one instanceof Error ? [] : [{ walk, one }])));
for (const { walk, one } of slowest.toSorted((left, right) => right.one.tookMs - left.one.tookMs).slice(0, SLOWEST_SHOWN))
  console.log(`${(one.tookMs / 1000).toFixed(1)} s  ${walk.host.name} ${walk.version} ${caseName(one.case)}`);
if (process.env["SHOW"] !== undefined) for (const one of all) show(one);
console.log("\n== cases that did not show what they are to show");
for (const walk of all) for (const fault of faultsIn(walk)) console.log(`${walk.host.name} ${walk.version} ${fault}`);
console.log("\n== violations that the real engine does not have");
for (const violation of newViolations(walks)) console.log(violation);
for (const version of VERSIONS_COMPARED) {
  console.log(`\n== keys and types at ${version}`);
  for (const difference of differencesIn(walks, version)) console.log(difference);
}
if (filter === "") console.log(coverageTable(specification, cases));

function show({ host, version, shown }: Walk): void {
  for (const [name, one] of shown) {
    console.log(`\n-- ${host.name} ${version} ${name}`);
    if (one instanceof Error) console.log(one);
    else console.log(one.answer.status, one.answer.headers, one.answer.body.toString());
  }
}
