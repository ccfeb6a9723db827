import assert from "node:assert/strict";
import { type Flag, parseFlags } from "../../../src/cli/command/flags.ts";

const FLAGS: readonly Flag[] = [
  { name: "all", short: "a", type: "bool", help: "" },
  { name: "rm", type: "bool", help: "" },
  { name: "no-trunc", type: "bool", help: "" },
  { name: "name", type: "string", help: "" },
  { name: "publish", short: "p", type: "list", help: "" },
  { name: "memory", short: "m", type: "bytes", help: "" },
  { name: "last", short: "n", type: "int", help: "", fallback: "-1" },
  { name: "filter", short: "f", type: "filter", help: "" },
  { name: "every", type: "duration", help: "" },
];

describe("parseFlags", () => {
  const defaults = { trunc: true, last: "-1" };
  const cases: readonly { args: readonly string[]; stops?: boolean; values?: object; operands?: readonly string[] }[] = [
    { args: ["--rm=true", "x"], values: { rm: true }, operands: ["x"] },
    { args: ["--rm=0"], values: { rm: false } },
    { args: ["--no-trunc"], values: { trunc: false } },
    { args: ["--no-trunc=false"], values: { trunc: true } },
    { args: ["-ap80", "x"], values: { all: true, publish: ["80"] }, operands: ["x"] },
    { args: ["-p=80", "-p", "81"], values: { publish: ["80", "81"] } },
    { args: ["-n", "-1"], values: { last: "-1" } },
    { args: ["--name=a=b"], values: { name: "a=b" } },
    { args: ["x", "--all"], values: { all: true }, operands: ["x"] },
    { args: ["x", "--all"], stops: true, operands: ["x", "--all"] },
    { args: ["-a", "--", "-p"], values: { all: true }, operands: ["-p"] },
    { args: ["-"], operands: ["-"] },
  ];
  for (const { args, stops = false, values = {}, operands = [] } of cases) {
    it(`reads ${args.join(" ")}${stops ? " up to its first operand" : ""}`, () => {
      const parsed = parseFlags(args, FLAGS, { stopsAtOperand: stops });
      assert.deepEqual(parsed, { operands, values: { ...defaults, ...values }, isHelp: false });
    });
  }

  it("takes -h for help where it is no flag", () =>
    assert.equal(parseFlags(["-h"], FLAGS, { stopsAtOperand: false }).isHelp, true));

  const wrong = [
    { args: ["--nope"], says: "unknown flag: --nope" },
    { args: ["-az"], says: "unknown shorthand flag: 'z' in -az" },
    { args: ["--name"], says: "flag needs an argument: --name" },
    { args: ["-ap"], says: "flag needs an argument: 'p' in -ap" },
    { args: ["--=x"], says: "bad flag syntax: --=x" },
    {
      args: ["--rm=maybe"],
      says: 'invalid argument "maybe" for "--rm" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    },
    { args: ["-m", "x"], says: `invalid argument "x" for "-m, --memory" flag: invalid size: 'x'` },
    { args: ["-m", "10x"], says: `invalid argument "10x" for "-m, --memory" flag: invalid suffix: 'x'` },
    { args: ["-n", "x"], says: 'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax' },
    { args: ["-f", "x"], says: 'invalid argument "x" for "-f, --filter" flag: bad format of filter (expected name=value)' },
    { args: ["--every", "5"], says: 'invalid argument "5" for "--every" flag: time: missing unit in duration "5"' },
  ];
  for (const { args, says } of wrong) {
    it(`refuses ${args.join(" ")}`, () =>
      assert.throws(() => parseFlags(args, FLAGS, { stopsAtOperand: false }), { message: says }));
  }
});
