import assert from "node:assert/strict";
import {
  embeddedResolvConf,
  extraHostEntries,
  hostsFile,
  mergeResolvSettings,
  parseResolvConf,
  plainResolvConf,
} from "../../../../src/engine/networks/container-files.ts";

const body = (text: string) => text.split("\n").filter(line => line !== "" && !line.startsWith("#"));

describe("/etc/hosts", () => {
  it("ends with the container's own addresses", () => {
    assert.deepEqual(
      hostsFile([{ address: "172.17.0.2", names: ["web.example.org", "web"] }])
        .split("\n")
        .slice(0, 2),
      ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"],
    );
    assert.ok(
      hostsFile([{ address: "172.17.0.2", names: ["web.example.org", "web"] }]).endsWith("\n172.17.0.2\tweb.example.org web\n"),
    );
  });

  it("takes --add-host in both forms, IPv6 and host-gateway", () => {
    assert.deepEqual(
      extraHostEntries(["a:10.0.0.1", "b=::1", "c:[fe80::1]", "d:host-gateway"], { gatewayAddresses: ["172.17.0.1", "fd00::1"] }),
      [
        { address: "10.0.0.1", names: ["a"] },
        { address: "::1", names: ["b"] },
        { address: "fe80::1", names: ["c"] },
        { address: "172.17.0.1", names: ["d"] },
        { address: "fd00::1", names: ["d"] },
      ],
    );
  });
});

describe("/etc/resolv.conf", () => {
  const host = parseResolvConf(
    "# c\nnameserver 127.0.0.53\nnameserver 192.0.2.1 # x\nsearch a.org b.org\noptions edns0 trust-ad\n",
  );

  it("is read", () => {
    assert.deepEqual(host, { servers: ["127.0.0.53", "192.0.2.1"], search: ["a.org", "b.org"], options: ["edns0", "trust-ad"] });
  });

  it("leaves the host's loopback servers out, and falls back when none is left", () => {
    assert.deepEqual(body(plainResolvConf(host)), ["nameserver 192.0.2.1", "search a.org b.org", "options edns0 trust-ad"]);
    assert.deepEqual(body(plainResolvConf({ servers: ["127.0.0.1"], search: [], options: [] })), [
      "nameserver 8.8.8.8",
      "nameserver 8.8.4.4",
    ]);
  });

  it("names the engine's server on networks of the user's", () => {
    assert.deepEqual(body(embeddedResolvConf(host)), [
      "nameserver 127.0.0.11",
      "search a.org b.org",
      "options edns0 trust-ad ndots:0",
    ]);
  });

  it("prefers the container's own settings", () => {
    const own = { servers: ["9.9.9.9"], search: ["."], options: ["ndots:2"] };
    assert.deepEqual(mergeResolvSettings(host, own), { servers: ["9.9.9.9"], search: [], options: ["ndots:2"] });
  });
});
