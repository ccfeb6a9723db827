import assert from "node:assert/strict";
import { DEFAULT_CAPABILITIES } from "../../../../src/engine/runtime/oci/capabilities.ts";
import { parseSeccompProfile, type SeccompTarget, toOciSeccomp } from "../../../../src/engine/runtime/oci/seccomp.ts";
import { DEFAULT_SECCOMP_PROFILE_TEXT } from "../../../../src/engine/runtime/seccomp/default-profile.ts";
import { createSeccompCompiler } from "../../../../src/system/seccomp.ts";
import { skip } from "../../../skip.ts";

const target: SeccompTarget = { architecture: "x64", capabilities: DEFAULT_CAPABILITIES, kernelVersion: { major: 6, minor: 1 } };
const profile = parseSeccompProfile(DEFAULT_SECCOMP_PROFILE_TEXT);

function allowed(over: Partial<SeccompTarget> = {}): ReadonlySet<string> {
  const { syscalls } = toOciSeccomp(profile, { ...target, ...over });
  return new Set(syscalls.filter(({ action }) => action === "SCMP_ACT_ALLOW").flatMap(({ names }) => names));
}

describe("the default seccomp profile", () => {
  it("is for this machine's architecture and its older ones", () => {
    assert.deepEqual(toOciSeccomp(profile, target).architectures, ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]);
    assert.deepEqual(toOciSeccomp(profile, { ...target, architecture: "arm64" }).architectures, [
      "SCMP_ARCH_AARCH64",
      "SCMP_ARCH_ARM",
    ]);
  });

  const cases = [
    { call: "read", when: "always", is: allowed().has("read"), want: true },
    { call: "mount", when: "by default", is: allowed().has("mount"), want: false },
    { call: "mount", when: "with CAP_SYS_ADMIN", is: allowed({ capabilities: ["CAP_SYS_ADMIN"] }).has("mount"), want: true },
    { call: "ptrace", when: "on kernel 4.8 and later", is: allowed().has("ptrace"), want: true },
    { call: "ptrace", when: "on kernel 4.7", is: allowed({ kernelVersion: { major: 4, minor: 7 } }).has("ptrace"), want: false },
    { call: "arch_prctl", when: "on x86-64", is: allowed().has("arch_prctl"), want: true },
    { call: "arch_prctl", when: "on ARM", is: allowed({ architecture: "arm64" }).has("arch_prctl"), want: false },
  ];
  for (const { call, when, is, want } of cases)
    it(`${want ? "allows" : "refuses"} ${call} ${when}`, () => assert.equal(is, want));

  it("tells clone3 that it is not there, so that callers take clone", () => {
    const rule = toOciSeccomp(profile, target).syscalls.find(({ names }) => names.includes("clone3"));
    assert.deepEqual([rule?.action, rule?.errnoRet], ["SCMP_ACT_ERRNO", 38]);
  });

  it("compiles to a filter, the same for the same rules", function () {
    const compiler = createSeccompCompiler();
    if (compiler === undefined) {
      return skip(this, "it needs libseccomp");
    }
    const filter = compiler.compile(toOciSeccomp(profile, target));
    assert.ok(filter !== undefined && filter.length > 800 && filter.length % 8 === 0);
    assert.equal(compiler.compile(toOciSeccomp(profile, target)), filter);
    assert.equal(compiler.compile({ ...toOciSeccomp(profile, target), flags: ["SECCOMP_FILTER_FLAG_LOG"] }), undefined);
    assert.equal(compiler.compile({ ...toOciSeccomp(profile, target), defaultAction: "SCMP_ACT_NOTIFY" }), undefined);
  });
});

describe("parseSeccompProfile", () => {
  for (const text of [
    "",
    "{}",
    "[]",
    '{"defaultAction":1,"syscalls":[]}',
    '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{}]}',
  ]) {
    it(`refuses ${text === "" ? "nothing" : text}`, () => {
      assert.throws(() => parseSeccompProfile(text), { kind: "invalid", message: /^Decoding seccomp profile failed/ });
    });
  }
});
