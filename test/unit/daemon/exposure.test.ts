import assert from "node:assert/strict";
import type { ListenTarget } from "../../../src/api/server.ts";
import { exposureWarnings, servesAnyone } from "../../../src/daemon/exposure.ts";

const PEM = { certificatePem: "c", keyPem: "k" };
const tcp = (tls?: { certificatePem: string; keyPem: string; clientCaPem?: string }): ListenTarget => ({
  kind: "tcp",
  host: "0.0.0.0",
  port: 2376,
  ...(tls && { tls }),
});

describe("an address of the API", () => {
  it("serves anyone without TLS, and with TLS that asks for no client's certificate", () => {
    assert.deepEqual(
      [tcp(), tcp(PEM), tcp({ ...PEM, clientCaPem: "ca" }), { kind: "unix", path: "/s", mode: 0o660, gid: 0 } as const].map(
        servesAnyone,
      ),
      [true, true, false, false],
    );
  });

  it("is warned of by what it lacks", () => {
    const said = exposureWarnings([tcp(), tcp(PEM), tcp({ ...PEM, clientCaPem: "ca" })]);
    assert.deepEqual(
      said.map(text => text.split("\n")[0]),
      [
        "[DEPRECATION NOTICE]: API is accessible on http://0.0.0.0:2376 without encryption.",
        "[DEPRECATION NOTICE]: API is accessible on https://0.0.0.0:2376 without TLS client verification.",
      ],
    );
  });
});
