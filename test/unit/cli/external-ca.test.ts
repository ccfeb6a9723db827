import assert from "node:assert/strict";
import { parseExternalCa } from "../../../src/cli/commands/external-ca.ts";

const ROOT = "test/oracle/roots/good.pem";

describe("--external-ca", () => {
  it("says where a CA is, and which root it signs for", async () => {
    const { CACert, ...rest } = (await parseExternalCa(`protocol=CFSSL,url=https://a/b?c=d,cacert=${ROOT}`)) as {
      CACert: string;
    };
    assert.deepEqual(rest, { Protocol: "cfssl", URL: "https://a/b?c=d" });
    assert.match(CACert, /^-----BEGIN CERTIFICATE-----/);
    assert.deepEqual(await parseExternalCa("url=https://a,protocol=cfssl,label=x"), {
      ...{ Protocol: "cfssl", URL: "https://a", CACert: "" },
      Options: { label: "x" },
    });
  });

  for (const [given, message] of [
    ["cfssl", /^invalid field 'cfssl' must be a key=value pair$/],
    ["protocol=acme,url=https://a", /^unrecognized external CA protocol acme$/],
    ["url=https://a", /^the external-ca option needs a protocol= parameter$/],
    ["protocol=cfssl", /^the external-ca option needs a url= parameter$/],
    ["protocol=cfssl,url=https://a,cacert=/nowhere", /^unable to read CA cert for external CA: .*no such file/],
    ["protocol=cfssl,url=https://a,cacert=package.json", /^CA cert for external CA must be in PEM format$/],
  ] as const)
    it(`refuses ${given} in the words of Docker's CLI`, async () =>
      await assert.rejects(parseExternalCa(given), { name: "FlagValueError", message, flag: "external-ca", given }));
});
