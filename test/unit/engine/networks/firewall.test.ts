import assert from "node:assert/strict";
import { OperationError } from "../../../../src/lib/errors.ts";
import { Firewall } from "../../../../src/engine/networks/firewall.ts";
import { bridgeRules, changeScript, loadScript, mappingRule } from "../../../../src/engine/networks/firewall-rules.ts";
import type { BridgeSettings } from "../../../../src/engine/networks/network-record.ts";
import { parseSubnet } from "../../../../src/lib/ip-address.ts";

const mapping = (hostPort: number) =>
  mappingRule({ protocol: "tcp", hostAddress: "0.0.0.0", hostPort, containerAddress: "172.17.0.2", containerPort: 80 });
const RULE_8080 = "-A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80";

const mapping6 = (hostPort: number) =>
  mappingRule({ protocol: "tcp", hostAddress: "::", hostPort, containerAddress: "fd00::2", containerPort: 80 });
const range = (subnet: string, gateway: string) => {
  const parsed = parseSubnet(subnet);
  return { family: parsed.family, subnet: parsed, pool: { subnet, gateway } };
};
const BRIDGE: BridgeSettings = {
  interfaceName: "br-x",
  ranges: [range("10.1.0.0/24", "10.1.0.1"), range("fd00:1::/64", "fd00:1::1")],
  mtuBytes: 1500,
  isIccEnabled: true,
  isMasquerading: true,
  isInternal: false,
  hostBindingAddress: "0.0.0.0",
};

describe("firewall scripts", () => {
  it("change one table in one transaction", () => {
    const script = changeScript({ add: [mapping(8080)], remove: [mapping(8081)] });
    assert.equal(script, `*nat\n${RULE_8080.replace("8080", "8081").replace("-A", "-D")}\n${RULE_8080}\nCOMMIT\n`);
  });

  it("load our chains anew, jumps only where they are missing, and never touch what the user wrote", () => {
    const saved = "*filter\n:DOCKER-USER - [0:0]\n-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -s 1.2.3.4/32 -j DROP\nCOMMIT\n";
    const script = loadScript([mapping(8080)], { family: 4, saved, dropsForwarding: false });
    assert.match(script, /\*nat\n:DOCKER - \[0:0\]\n/);
    assert.equal(script.includes(":DOCKER-USER"), false);
    assert.equal(script.includes("-A FORWARD -j DOCKER-USER"), false);
    assert.equal(script.includes("-A FORWARD -j DOCKER-FORWARD"), true);
    assert.equal(script.includes(":FORWARD"), false);
    assert.match(
      loadScript([], { family: 4, saved: "", dropsForwarding: true }),
      /:FORWARD DROP \[0:0\]\n:DOCKER-USER - \[0:0\]\n/,
    );
  });

  it("lead each family to its own", () => {
    assert.equal(mapping6(8080).specification, "-p tcp -m tcp --dport 8080 -j DNAT --to-destination [fd00::2]:80");
    const rules = bridgeRules(BRIDGE);
    assert.ok(rules.every(({ family, specification }) => family === 4 || !/\d+\.\d+/.test(specification)));
    assert.ok(rules.some(({ specification }) => specification === "-s fd00:1::/64 ! -o br-x -j MASQUERADE"));
    assert.ok(rules.some(({ specification }) => specification === "-d fd00:1::/64 ! -i br-x -j DROP"));
    // What is sent to ::1 the daemon forwards.
    assert.match(loadScript([], { family: 6, saved: "", dropsForwarding: false }), /-A OUTPUT ! -d ::1\/128 -m addrtype/);
  });

  it("let nobody out of an internal network, nor in", () => {
    const rules = bridgeRules({ ...BRIDGE, ranges: [range("10.1.0.0/24", "10.1.0.1")], isMasquerading: false, isInternal: true });
    assert.deepEqual(
      rules.map(({ chain, specification }) => `${chain} ${specification}`),
      [
        "DOCKER-ISOLATION-STAGE-1 ! -s 10.1.0.0/24 -o br-x -j DROP",
        "DOCKER-ISOLATION-STAGE-1 ! -d 10.1.0.0/24 -i br-x -j DROP",
        "DOCKER-FORWARD -i br-x -o br-x -j ACCEPT",
      ],
    );
  });
});

describe("Firewall", () => {
  const setUp = (isRefused: (script: string) => boolean = () => false) => {
    const scripts: string[] = [];
    const programs: string[] = [];
    const firewall = new Firewall(
      {
        async run(file, _args, options) {
          const script = String(options?.stdin);
          scripts.push(script);
          programs.push(file);
          if (isRefused(script)) throw new OperationError("internal", "refused");
          return { exitCode: 0, stdout: "", stderr: "" };
        },
      },
      { hasIpv6: true },
    );
    return { firewall, scripts, programs };
  };

  it("makes changes that come together in one run", async () => {
    const { firewall, scripts } = setUp();
    await Promise.all([firewall.add([mapping(1)]), firewall.add([mapping(2)]), firewall.remove([mapping(3)])]);
    assert.equal(scripts.length, 1);
  });

  it("runs the program of a family that changes, and no other", async () => {
    const { firewall, programs } = setUp();
    await firewall.add([mapping(1)]);
    await firewall.add([mapping6(1)]);
    assert.deepEqual(programs, ["iptables-restore", "ip6tables-restore"]);
  });

  it("takes back what one family took where the other refuses", async () => {
    const { firewall, scripts } = setUp(script => script.includes("["));
    await assert.rejects(firewall.add([mapping(1), mapping6(1)]), { kind: "internal" });
    const added = "-A DOCKER -p tcp -m tcp --dport 1 -j DNAT --to-destination 172.17.0.2:80";
    assert.equal(scripts.at(-1), `*nat\n${added.replace("-A", "-D")}\nCOMMIT\n`);
  });

  it("refuses only the change that the kernel refuses", async () => {
    const { firewall } = setUp(script => script.includes("--dport 2 "));
    const results = await Promise.allSettled([1, 2, 3].map(port => firewall.add([mapping(port)])));
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    await firewall.add([mapping(4)]);
  });
});
