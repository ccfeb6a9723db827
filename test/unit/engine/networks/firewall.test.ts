import assert from "node:assert/strict";
import { OperationError } from "../../../../src/lib/errors.ts";
import { Firewall } from "../../../../src/engine/networks/firewall.ts";
import { bridgeRules, changeScript, loadScript, mappingRule } from "../../../../src/engine/networks/firewall-rules.ts";
import { parseSubnet } from "../../../../src/engine/networks/ipv4.ts";

const mapping = (hostPort: number) =>
  mappingRule({ protocol: "tcp", hostAddress: "0.0.0.0", hostPort, containerAddress: "172.17.0.2", containerPort: 80 });
const RULE_8080 = "-A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80";

describe("firewall scripts", () => {
  it("change one table in one transaction", () => {
    const script = changeScript({ add: [mapping(8080)], remove: [mapping(8081)] });
    assert.equal(script, `*nat\n${RULE_8080.replace("8080", "8081").replace("-A", "-D")}\n${RULE_8080}\nCOMMIT\n`);
  });

  it("load our chains anew, jumps only where they are missing, and never touch what the user wrote", () => {
    const saved = "*filter\n:DOCKER-USER - [0:0]\n-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -s 1.2.3.4/32 -j DROP\nCOMMIT\n";
    const script = loadScript([mapping(8080)], { saved, dropsForwarding: false });
    assert.match(script, /\*nat\n:DOCKER - \[0:0\]\n/);
    assert.equal(script.includes(":DOCKER-USER"), false);
    assert.equal(script.includes("-A FORWARD -j DOCKER-USER"), false);
    assert.equal(script.includes("-A FORWARD -j DOCKER-FORWARD"), true);
    assert.equal(script.includes(":FORWARD"), false);
    assert.match(loadScript([], { saved: "", dropsForwarding: true }), /:FORWARD DROP \[0:0\]\n:DOCKER-USER - \[0:0\]\n/);
  });

  it("let nobody out of an internal network, nor in", () => {
    const rules = bridgeRules({
      interfaceName: "br-x",
      subnet: parseSubnet("10.1.0.0/24"),
      pool: { subnet: "10.1.0.0/24", gateway: "10.1.0.1" },
      mtuBytes: 1500,
      isIccEnabled: true,
      isMasquerading: false,
      isInternal: true,
      hostBindingAddress: "0.0.0.0",
    });
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
    const firewall = new Firewall({
      async run(_file, _args, options) {
        const script = String(options?.stdin);
        scripts.push(script);
        if (isRefused(script)) throw new OperationError("internal", "refused");
        return { exitCode: 0, stdout: "", stderr: "" };
      },
    });
    return { firewall, scripts };
  };

  it("makes changes that come together in one run", async () => {
    const { firewall, scripts } = setUp();
    await Promise.all([firewall.add([mapping(1)]), firewall.add([mapping(2)]), firewall.remove([mapping(3)])]);
    assert.equal(scripts.length, 1);
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
